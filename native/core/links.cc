#include "core/links.h"

#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>

namespace lichen {

namespace {

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

ifinfomsg link_header(unsigned flags = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_flags = flags;
  header.ifi_change = flags;
  return header;
}

// The kernel silently cuts nothing: longer names are refused, with a cause that does not tell why.
Status check_name(const char* operation, const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    return plain_error("EINVAL", operation, quoted(name), "a link's name has 1 to 15 characters");
  return {};
}

Link parse_link(std::string_view payload) {
  Link link;
  ifinfomsg header;
  if (payload.size() < sizeof header) return link;
  memcpy(&header, payload.data(), sizeof header);
  link.index = header.ifi_index;
  link.up = (header.ifi_flags & IFF_UP) != 0;
  for_each_attribute(payload.substr(NLMSG_ALIGN(sizeof header)), [&](uint16_t type, std::string_view value) {
    if (type == IFLA_IFNAME) link.name = attribute_string(value);
    if (type == IFLA_MTU) link.mtu = attribute_u32(value);
    if (type == IFLA_MASTER) link.master = static_cast<int>(attribute_u32(value));
    if (type == IFLA_ADDRESS && value.size() == 6) {
      char text[18];
      auto byte = [&](size_t i) { return static_cast<unsigned char>(value[i]); };
      snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", byte(0), byte(1), byte(2), byte(3),
               byte(4), byte(5));
      link.mac = text;
    }
    if (type == IFLA_LINKINFO) {
      for_each_attribute(value, [&](uint16_t inner, std::string_view kind) {
        if (inner == IFLA_INFO_KIND) link.kind = attribute_string(kind);
      });
    }
  });
  return link;
}

// Changes one property of an existing link, found by its name.
Status change_link(Netlink& netlink, const char* operation, const std::string& name, unsigned flags,
                   uint16_t attribute = 0, uint32_t value = 0) {
  LICHEN_TRY(check_name(operation, name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.header(link_header(flags)).put_string(IFLA_IFNAME, name);
  if (attribute != 0) message.put_u32(attribute, value);
  return netlink.request(std::move(message), operation, quoted(name));
}

}  // namespace

Result<Netlink> open_rtnetlink() { return Netlink::open(NETLINK_ROUTE); }

Status create_veth(Netlink& netlink, const VethPair& pair) {
  constexpr auto kOperation = "create veth";
  LICHEN_TRY(check_name(kOperation, pair.name));
  LICHEN_TRY(check_name(kOperation, pair.peer));
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(link_header(IFF_UP)).put_string(IFLA_IFNAME, pair.name);
  if (pair.mtu != 0) message.put_u32(IFLA_MTU, pair.mtu);
  if (!pair.master.empty()) {
    LICHEN_ASSIGN(int bridge, link_index(netlink, pair.master));
    message.put_u32(IFLA_MASTER, static_cast<uint32_t>(bridge));
  }
  auto peer = [&] {
    message.put_string(IFLA_IFNAME, pair.peer);
    if (pair.mtu != 0) message.put_u32(IFLA_MTU, pair.mtu);
    if (pair.peer_netns != nullptr)
      message.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(pair.peer_netns->get()));
    else if (pair.peer_pid != 0)
      message.put_u32(IFLA_NET_NS_PID, static_cast<uint32_t>(pair.peer_pid));
  };
  ifinfomsg header = link_header();
  std::string_view peer_header(reinterpret_cast<const char*>(&header), sizeof header);
  message.nest(IFLA_LINKINFO, [&] {
    message.put_string(IFLA_INFO_KIND, "veth");
    message.nest(IFLA_INFO_DATA, [&] { message.nest(VETH_INFO_PEER, peer, peer_header); });
  });
  return netlink.request(std::move(message), kOperation,
                         quoted(pair.name) + " (peer " + quoted(pair.peer) + ")");
}

Status create_bridge(Netlink& netlink, const std::string& name, uint32_t mtu) {
  LICHEN_TRY(check_name("create bridge", name));
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.header(link_header(IFF_UP)).put_string(IFLA_IFNAME, name);
  if (mtu != 0) message.put_u32(IFLA_MTU, mtu);
  // A bridge without an address of its own takes the lowest of its ports', and another one when that port
  // goes: then whoever has it as a gateway talks to an address that is gone, until its neighbour entry
  // expires.
  std::array<uint8_t, ETH_ALEN> address{};
  if (getrandom(address.data(), address.size(), 0) != ssize_t{address.size()})
    return sys_error("getrandom", "address of " + quoted(name));
  address[0] = static_cast<uint8_t>((address[0] & ~1U) | 2U);  // unicast, locally administered
  message.put(IFLA_ADDRESS, address.data(), address.size());
  message.nest(IFLA_LINKINFO, [&] { message.put_string(IFLA_INFO_KIND, "bridge"); });
  return netlink.request(std::move(message), "create bridge", quoted(name));
}

Status set_link_up(Netlink& netlink, const std::string& name) {
  return change_link(netlink, "set link up", name, IFF_UP);
}

Status set_link_mtu(Netlink& netlink, const std::string& name, uint32_t mtu) {
  return change_link(netlink, "set link MTU", name, 0, IFLA_MTU, mtu);
}

Status set_link_master(Netlink& netlink, const std::string& name, const std::string& bridge) {
  LICHEN_ASSIGN(int index, link_index(netlink, bridge));
  return change_link(netlink, "set link master", name, 0, IFLA_MASTER, static_cast<uint32_t>(index));
}

Status set_bridge_port(Netlink& netlink, const std::string& name, const BridgePort& port) {
  constexpr auto kOperation = "set bridge port";
  LICHEN_TRY(check_name(kOperation, name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.header(link_header()).put_string(IFLA_IFNAME, name);
  auto flag = [&](uint16_t attribute, bool on) {
    const uint8_t value = on ? 1 : 0;
    message.put(attribute, &value, sizeof value);
  };
  message.nest(IFLA_LINKINFO, [&] {
    message.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
    message.nest(IFLA_INFO_SLAVE_DATA, [&] {
      flag(IFLA_BRPORT_MODE, port.hairpin);
      flag(IFLA_BRPORT_ISOLATED, port.isolated);
    });
  });
  return netlink.request(std::move(message), kOperation, quoted(name));
}

Status delete_link(Netlink& netlink, const std::string& name) {
  LICHEN_TRY(check_name("delete link", name));
  NetlinkMessage message(RTM_DELLINK, 0);
  message.header(link_header()).put_string(IFLA_IFNAME, name);
  return netlink.request(std::move(message), "delete link", quoted(name));
}

Status add_address(Netlink& netlink, const std::string& link, const IpAddress& address) {
  LICHEN_ASSIGN(int index, link_index(netlink, link));
  ifaddrmsg header{};
  header.ifa_family = address.family;
  header.ifa_prefixlen = address.prefix;
  header.ifa_flags = address.family == AF_INET6 ? IFA_F_NODAD : 0;
  header.ifa_index = static_cast<uint32_t>(index);
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  message.header(header).put(IFA_LOCAL, address.bytes).put(IFA_ADDRESS, address.bytes);
  return netlink.request(std::move(message), "add address", address.text() + " to " + quoted(link));
}

Status add_default_route(Netlink& netlink, const std::string& link, const IpAddress& gateway,
                         uint32_t least_timeout_ms) {
  LICHEN_ASSIGN(int index, link_index(netlink, link));
  rtmsg header{};
  header.rtm_family = gateway.family;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  message.header(header).put(RTA_GATEWAY, gateway.bytes).put_u32(RTA_OIF, static_cast<uint32_t>(index));
  if (least_timeout_ms > 0) {
    message.nest(RTA_METRICS, [&] {
      message.put_u32(RTAX_LOCK, 1U << RTAX_RTO_MIN);  // it counts only where it is locked
      message.put_u32(RTAX_RTO_MIN, least_timeout_ms);
    });
  }
  return netlink.request(std::move(message), "add default route",
                         "via " + gateway.text() + " on " + quoted(link));
}

Result<int> link_index(Netlink& netlink, const std::string& name) {
  LICHEN_TRY(check_name("find link", name));
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header(link_header()).put_string(IFLA_IFNAME, name);
  int index = 0;
  LICHEN_TRY(
      netlink.query(std::move(message), "find link", quoted(name),
                    [&](const nlmsghdr*, std::string_view payload) { index = parse_link(payload).index; }));
  return index;
}

Result<std::vector<Link>> list_links(Netlink& netlink) {
  NetlinkMessage message(RTM_GETLINK, NLM_F_DUMP);
  message.header(link_header());
  std::vector<Link> links;
  LICHEN_TRY(netlink.query(
      std::move(message), "list links", "",
      [&](const nlmsghdr*, std::string_view payload) { links.push_back(parse_link(payload)); }));
  return links;
}

Result<std::vector<LinkAddress>> list_addresses(Netlink& netlink) {
  NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
  message.header(ifaddrmsg{});
  std::vector<LinkAddress> addresses;
  LICHEN_TRY(
      netlink.query(std::move(message), "list addresses", "", [&](const nlmsghdr*, std::string_view payload) {
        ifaddrmsg header;
        if (payload.size() < sizeof header) return;
        memcpy(&header, payload.data(), sizeof header);
        LinkAddress found{static_cast<int>(header.ifa_index), {header.ifa_family, header.ifa_prefixlen, ""}};
        for_each_attribute(payload.substr(NLMSG_ALIGN(sizeof header)),
                           [&](uint16_t type, std::string_view value) {
                             // IFA_LOCAL is the link's own address; only IPv6 leaves it out, where
                             // IFA_ADDRESS is the same.
                             if (type == IFA_LOCAL || (type == IFA_ADDRESS && found.address.bytes.empty()))
                               found.address.bytes = value;
                           });
        addresses.push_back(std::move(found));
      }));
  return addresses;
}

}  // namespace lichen
