// Network links, addresses and routes by rtnetlink(7). Every call works on the network namespace of the given
// socket.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/netlink.h"

namespace lichen {

struct Link {
  int index = 0;
  std::string name;
  std::string kind;  // "bridge", "veth", "" for loopback and hardware
  std::string mac;   // "02:00:…", "" without
  uint32_t mtu = 0;
  int master = 0;  // index of the bridge it belongs to, 0 without
  bool up = false;
};

struct LinkAddress {
  int index = 0;  // of the link
  IpAddress address;
};

struct VethPair {
  std::string name;                // this end
  std::string peer;                // the other end's name, in its own namespace
  const Fd* peer_netns = nullptr;  // borrowed; or
  pid_t peer_pid = 0;              // the namespace of this process; neither: the same namespace
  std::string master;              // bridge that this end joins, "" for none
  uint32_t mtu = 0;                // of both ends; 0: the kernel's 1500
};

// A rtnetlink socket of the calling thread's network namespace.
Result<Netlink> open_rtnetlink();

// Both ends are made in one message: the peer is born in its namespace, this end joins its bridge, both are
// up.
Status create_veth(Netlink& netlink, const VethPair& pair);

// A bridge, up, with a random MAC address that it keeps whatever joins it. EEXIST if the name is taken.
Status create_bridge(Netlink& netlink, const std::string& name, uint32_t mtu);

Status set_link_up(Netlink& netlink, const std::string& name);
Status set_link_mtu(Netlink& netlink, const std::string& name, uint32_t mtu);
// Puts a link into a bridge.
Status set_link_master(Netlink& netlink, const std::string& name, const std::string& bridge);

struct BridgePort {
  bool hairpin =
      false;  // a frame may leave by the port it came in by: a pod that reaches itself by a service
  bool isolated = false;  // no frames to and from other isolated ports
};
// For a link that is in a bridge.
Status set_bridge_port(Netlink& netlink, const std::string& name, const BridgePort& port);

// ENODEV if there is none. Removing a veth takes 30 ms or more of the kernel; letting its namespace die takes
// none of ours.
Status delete_link(Netlink& netlink, const std::string& name);

// `address` with its prefix length. IPv6 addresses skip duplicate address detection, so that they work at
// once. EEXIST if the link has it already.
Status add_address(Netlink& netlink, const std::string& link, const IpAddress& address);

// The default route of the gateway's family through `link`. EEXIST if there is one. `least_timeout_ms` is the
// least time that TCP waits for an acknowledgement before it sends again (ip-route(8), rto_min); 0: the
// kernel's 200 ms.
Status add_default_route(Netlink& netlink, const std::string& link, const IpAddress& gateway,
                         uint32_t least_timeout_ms = 0);

Result<int> link_index(Netlink& netlink, const std::string& name);
Result<std::vector<Link>> list_links(Netlink& netlink);
Result<std::vector<LinkAddress>> list_addresses(Netlink& netlink);

}  // namespace lichen
