#include "core/links.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>

#include "in_namespaces.h"

using namespace lichen;

namespace {

// Of the default route of the family, in ms; 0 where it is the kernel's.
uint32_t least_timeout(Netlink& netlink, uint8_t family) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  rtmsg request{};
  request.rtm_family = family;
  message.header(request);
  uint32_t found = 0;
  (void)netlink.query(std::move(message), "list routes", "", [&](const nlmsghdr*, std::string_view payload) {
    rtmsg header;
    memcpy(&header, payload.data(), sizeof header);
    if (header.rtm_dst_len != 0 || header.rtm_table != RT_TABLE_MAIN) return;
    for_each_attribute(payload.substr(sizeof header), [&](uint16_t type, std::string_view value) {
      if (type != RTA_METRICS) return;
      for_each_attribute(value, [&](uint16_t metric, std::string_view number) {
        if (metric == RTAX_RTO_MIN) found = attribute_u32(number);
      });
    });
  });
  return found;
}

std::string veth_into_another_namespace() {
  auto netlink = open_rtnetlink();
  if (!netlink) return netlink.error().text();
  // A second network namespace; the socket stays in the first.
  if (unshare(CLONE_NEWNET) != 0) return "unshare";
  auto inner = open_at({}, "/proc/self/ns/net", O_RDONLY);
  TRY_TEXT(create_bridge(netlink.value(), "lichen0", 65520));
  TRY_TEXT(add_address(netlink.value(), "lichen0", parse_ip("10.210.0.1/16").value()));
  auto alone = list_links(netlink.value());
  TRY_TEXT(create_veth(
      netlink.value(),
      {.name = "lc1", .peer = "eth0", .peer_netns = &inner.value(), .master = "lichen0", .mtu = 65520}));
  auto outside = list_links(netlink.value());
  if (!outside) return outside.error().text();
  auto find = [](std::vector<Link>& links, const char* name) {
    auto at = std::find_if(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
    return at == links.end() ? nullptr : &*at;
  };
  Link* bridge = find(outside.value(), "lichen0");
  Link* host = find(outside.value(), "lc1");
  if (!bridge || bridge->kind != "bridge" || !bridge->up || bridge->mtu != 65520)
    return "bridge is not as asked for";
  if (find(alone.value(), "lichen0")->mac != bridge->mac) return "the bridge took its port's MAC address";
  if (!host || host->kind != "veth" || !host->up || host->mtu != 65520 || host->master != bridge->index)
    return "veth is not as asked for";

  auto here = open_rtnetlink();
  if (!here) return here.error().text();
  auto inside = list_links(here.value());
  Link* peer = find(inside.value(), "eth0");
  if (!peer || peer->up || peer->mtu != 65520 || peer->mac.size() != 17) return "peer is not as asked for";
  TRY_TEXT(set_link_up(here.value(), "lo"));
  TRY_TEXT(set_link_up(here.value(), "eth0"));
  TRY_TEXT(add_address(here.value(), "eth0", parse_ip("10.210.0.5/16").value()));
  TRY_TEXT(add_address(here.value(), "eth0", parse_ip("fd00:1::5/64").value()));
  TRY_TEXT(add_default_route(here.value(), "eth0", parse_ip("10.210.0.1").value()));
  TRY_TEXT(add_default_route(here.value(), "eth0", parse_ip("fd00:1::1").value(), 20));
  if (uint32_t least = least_timeout(here.value(), AF_INET6); least != 20)
    return "the least timeout is " + std::to_string(least);
  if (least_timeout(here.value(), AF_INET) != 0) return "a least timeout that nobody asked for";
  auto addresses = list_addresses(here.value());
  auto has = [&](const char* text) {
    return std::any_of(addresses->begin(), addresses->end(),
                       [&](const LinkAddress& a) { return a.address.text() == text; });
  };
  if (!has("10.210.0.5/16") || !has("fd00:1::5/64") || !has("127.0.0.1/8"))
    return "addresses are not as asked for";
  auto routes = read_file("/proc/self/net/route");
  if (!routes || routes->find("eth0\t00000000\t0100D20A") == std::string::npos) return "no default route";

  auto again = create_bridge(netlink.value(), "lichen0", 0);
  if (again || again.error().code != "EEXIST") return "a second bridge of the name was not refused";
  TRY_TEXT(delete_link(netlink.value(), "lc1"));
  auto gone = delete_link(netlink.value(), "lc1");
  if (gone || gone.error().code != "ENODEV") return "deleting a missing link was not refused";
  return "";
}

}  // namespace

TEST_CASE("bridge, veth with its peer in another namespace, addresses and routes") {
  std::string text = in_namespaces(veth_into_another_namespace);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("the kernel's own words are in the error") {
  std::string text = in_namespaces([] {
    auto netlink = open_rtnetlink();
    if (!netlink) return netlink.error().text();
    auto status = set_link_mtu(netlink.value(), "lo", 0xffffffff);
    return status ? std::string("accepted") : status.error().text();
  });
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "set link MTU \"lo\": Invalid argument: mtu less than device minimum (EINVAL)");
}

TEST_CASE("names that no link can have are refused before the kernel is asked") {
  auto netlink = open_rtnetlink();
  REQUIRE(netlink.ok());
  for (const char* name : {"", "sixteen-letters-"}) {
    CHECK(create_bridge(netlink.value(), name, 0).error().code == "EINVAL");
    CHECK(delete_link(netlink.value(), name).error().code == "EINVAL");
    CHECK(create_veth(netlink.value(), {.name = "a", .peer = name}).error().code == "EINVAL");
  }
  CHECK(link_index(netlink.value(), "no-such-link").error().code == "ENODEV");
}
