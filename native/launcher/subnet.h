// The uplink's own little network: an address for the node that collides with nothing around the host.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lichen::launcher {

struct Ipv4Network {
  uint32_t base = 0;  // host byte order
  int prefix = 0;

  bool operator==(const Ipv4Network&) const = default;
};

struct Subnet {
  std::string cidr;     // "10.0.2.0/24"
  std::string address;  // of the node: .100
  std::string gateway;  // .2
  std::string dns;      // .3: forwards to the host's resolver
  int prefix = 24;
  // A /64 of unique local addresses; empty where the host has no way out by IPv6.
  std::string address6;
  std::string gateway6;
};

// The destinations of the text of /proc/net/route (addresses are hexadecimal in memory order), default routes
// left out.
std::vector<Ipv4Network> parse_routes(std::string_view text);

// Whether the text of /proc/net/ipv6_route has a default route that leads out.
bool has_default_route6(std::string_view text);

// With the addresses of the uplink's IPv6 network.
Subnet with_ipv6(Subnet subnet);

bool overlap(const Ipv4Network& a, const Ipv4Network& b);

// "10.0.2.3" for 0x0a000203.
std::string format_ipv4(uint32_t address);

// The first of our candidates that overlaps no route; the last one when all do. 10.0.2.0/24 comes first: it
// is what slirp networks have always been.
Subnet choose_subnet(const std::vector<Ipv4Network>& routes);

}  // namespace lichen::launcher
