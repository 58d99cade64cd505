#include "core/offloads.h"

#include <doctest/doctest.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include "core/links.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

bool offload(Netlink& netns, const char* link, uint32_t command) {
  ethtool_value value{command, 0};
  ifreq request{};
  strncpy(request.ifr_name, link, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  return ioctl(netns.socket().get(), SIOCETHTOOL, &request) == 0 && value.data != 0;
}

std::string ordered() {
  auto netlink = open_rtnetlink();
  if (!netlink) return netlink.error().text();
  TRY_TEXT(create_veth(netlink.value(), {.name = "a", .peer = "b"}));
  if (!offload(netlink.value(), "a", ETHTOOL_GTSO)) return "skip: a veth of this kernel has no TSO";
  TRY_TEXT(keep_order(netlink.value(), "a", netlink.value(), "b"));
  if (offload(netlink.value(), "a", ETHTOOL_GTSO)) return "the sender's end has TSO";
  if (!offload(netlink.value(), "b", ETHTOOL_GGRO)) return "the receiver's end has no GRO";
  if (!offload(netlink.value(), "b", ETHTOOL_GTSO)) return "the receiver's end lost its TSO";
  auto missing = keep_order(netlink.value(), "a", netlink.value(), "none");
  if (missing || missing.error().text() != "switch offload gro on \"none\": No such device (ENODEV)")
    return missing ? "a missing link was accepted" : missing.error().text();
  auto long_name = keep_order(netlink.value(), "a", netlink.value(), "sixteen-letters-");
  if (long_name || long_name.error().code != "EINVAL") return "a long name was accepted";
  return "";
}

// The limits of batches on a link, as the kernel tells them: sent, received, and both for IPv4.
std::vector<uint32_t> batch_limits(Netlink& netlink, const std::string& link) {
  NetlinkMessage message(RTM_GETLINK, 0);
  message.header(ifinfomsg{}).put_string(IFLA_IFNAME, link);
  std::vector<uint32_t> limits;
  auto done = netlink.query(std::move(message), "see", link, [&](const nlmsghdr*, std::string_view payload) {
    for_each_attribute(payload.substr(sizeof(ifinfomsg)), [&](uint16_t type, std::string_view value) {
      if (type == 41 || type == 58 || type == 63 || type == 64) limits.push_back(attribute_u32(value));
    });
  });
  return done ? limits : std::vector<uint32_t>{};
}

std::string large_batches() {
  auto netlink = open_rtnetlink();
  if (!netlink) return netlink.error().text();
  TRY_TEXT(create_veth(netlink.value(), {.name = "a", .peer = "b"}));
  if (batch_limits(netlink.value(), "a").size() < 4)
    return "skip: a kernel before 6.3, without BIG TCP for IPv4";
  TRY_TEXT(allow_large_batches(netlink.value(), "a"));
  for (uint32_t limit : batch_limits(netlink.value(), "a"))
    if (limit != 262144) return "a limit is " + std::to_string(limit);
  for (uint32_t limit : batch_limits(netlink.value(), "b"))
    if (limit != 65536) return "the other end changed: " + std::to_string(limit);
  auto missing = allow_large_batches(netlink.value(), "none");
  if (missing || missing.error().code != "ENODEV") return "a missing link was accepted";
  if (allow_large_batches(netlink.value(), "sixteen-letters-")) return "a long name was accepted";
  return "";
}

}  // namespace

TEST_CASE("a link takes larger batches, its peer does not") {
  std::string text = in_namespaces(large_batches);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("one end of a veth pair loses TSO, the other gains GRO") {
  std::string text = in_namespaces(ordered);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}
