#include "monitor/pod_network.h"

#include <fcntl.h>

namespace lichen::monitor {

Status set_up_network(Netlink& node, const std::optional<PodInterface>& interface) {
  LICHEN_ASSIGN(Netlink pod, open_rtnetlink());
  LICHEN_TRY(set_link_up(pod, "lo"));
  if (!interface) return {};
  LICHEN_ASSIGN(Fd netns, open_at(Fd(), "/proc/self/ns/net", O_RDONLY));
  VethPair pair;
  pair.name = interface->host;
  pair.peer = interface->name;
  pair.peer_netns = &netns;
  pair.master = interface->bridge;
  pair.mtu = interface->mtu;
  LICHEN_TRY(create_veth(node, pair));
  for (const IpAddress& address : interface->addresses)
    LICHEN_TRY(add_address(pod, interface->name, address));
  LICHEN_TRY(set_link_up(pod, interface->name));
  for (const IpAddress& gateway : interface->gateways)
    LICHEN_TRY(add_default_route(pod, interface->name, gateway));
  return {};
}

}  // namespace lichen::monitor
