#include "launcher/subnet.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

namespace {

constexpr char kRoutes[] =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "vpn0\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n";

}  // namespace

TEST_CASE("routes are read from the kernel's table, default routes left out") {
  CHECK(parse_routes(kRoutes) == std::vector<Ipv4Network>{{0xc0000200, 24}, {0x0a000000, 8}});
  CHECK(parse_routes("").empty());
  CHECK(parse_routes("a b c\n").empty());
}

TEST_CASE("networks overlap when one holds the other") {
  CHECK(overlap({0x0a000200, 24}, {0x0a000000, 8}));
  CHECK(overlap({0x0a000000, 8}, {0x0a000200, 24}));
  CHECK(!overlap({0x0a000200, 24}, {0x0a000300, 24}));
  CHECK(overlap({0x0a000200, 24}, {0, 0}));
}

TEST_CASE("the node's network avoids the host's") {
  Subnet usual = choose_subnet({});
  CHECK(usual.cidr == "10.0.2.0/24");
  CHECK(usual.address == "10.0.2.100");
  CHECK(usual.gateway == "10.0.2.2");
  CHECK(usual.dns == "10.0.2.3");

  CHECK(choose_subnet({{0x0a000200, 24}}).cidr == "10.255.77.0/24");
  CHECK(choose_subnet(parse_routes(kRoutes)).cidr == "172.31.250.0/24");
  CHECK(choose_subnet({{0, 0}}).cidr == "198.18.11.0/24");
}

TEST_CASE("a default route by IPv6 is one that leads out") {
  const std::string zeros(32, '0');
  const std::string rest = " 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003 ";
  CHECK(has_default_route6(zeros + " 00 " + zeros + rest + "eth0\n"));
  CHECK(!has_default_route6(zeros + " 00 " + zeros + rest + "lo\n"));
  CHECK(!has_default_route6("fd000000000000000000000000000000 40 " + zeros + rest + "eth0\n"));
  CHECK(!has_default_route6(""));
  CHECK(with_ipv6(choose_subnet({})).gateway6 == "fd6c:6963:6865:6e::2");
  CHECK(with_ipv6(choose_subnet({})).gateway == "10.0.2.2");
}
