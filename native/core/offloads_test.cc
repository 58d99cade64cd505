#include "core/offloads.h"

#include <doctest/doctest.h>
#include <linux/ethtool.h>
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

}  // namespace

TEST_CASE("one end of a veth pair loses TSO, the other gains GRO") {
  std::string text = in_namespaces(ordered);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}
