#include "launcher/subnet.h"

#include <arpa/inet.h>

#include <bit>
#include <iterator>

#include "core/text.h"

namespace lichen::launcher {

namespace {

// /24 networks, apart from each other so that one large route does not take them all, and outside of what
// pods use.
constexpr uint32_t kCandidates[] = {
    0x0a000200,  // 10.0.2.0
    0x0aff4d00,  // 10.255.77.0
    0xac1ffa00,  // 172.31.250.0
    0xc0a8f300,  // 192.168.243.0
    0x64404d00,  // 100.64.77.0, carrier-grade NAT
    0xc6120b00,  // 198.18.11.0, benchmarking
};

uint32_t mask_of(int prefix) { return prefix == 0 ? 0 : ~uint32_t{0} << (32 - prefix); }

}  // namespace

std::vector<Ipv4Network> parse_routes(std::string_view text) {
  std::vector<Ipv4Network> routes;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split_words(line);
    if (words.size() < 8) continue;
    auto destination = parse_number<uint32_t>(words[1], 16);
    auto mask = parse_number<uint32_t>(words[7], 16);
    if (!destination || !mask || *mask == 0) continue;
    routes.push_back({ntohl(*destination), std::popcount(*mask)});
  }
  return routes;
}

// destination, its prefix, source, its prefix, next hop, metric, references, uses, flags, device.
bool has_default_route6(std::string_view text) {
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split_words(line);
    if (words.size() < 10 || words[1] != "00" || words[9] == "lo") continue;
    if (words[0].find_first_not_of('0') == std::string_view::npos) return true;
  }
  return false;
}

Subnet with_ipv6(Subnet subnet) {
  subnet.address6 = "fd6c:6963:6865:6e::100";
  subnet.gateway6 = "fd6c:6963:6865:6e::2";
  return subnet;
}

bool overlap(const Ipv4Network& a, const Ipv4Network& b) {
  uint32_t mask = mask_of(a.prefix < b.prefix ? a.prefix : b.prefix);
  return (a.base & mask) == (b.base & mask);
}

std::string format_ipv4(uint32_t address) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += (text.empty() ? "" : ".") + std::to_string((address >> shift) & 0xff);
  return text;
}

Subnet choose_subnet(const std::vector<Ipv4Network>& routes) {
  uint32_t chosen = *std::rbegin(kCandidates);
  for (uint32_t candidate : kCandidates) {
    bool taken = false;
    for (const Ipv4Network& route : routes) taken = taken || overlap({candidate, 24}, route);
    if (taken) continue;
    chosen = candidate;
    break;
  }
  return {format_ipv4(chosen) + "/24",
          format_ipv4(chosen + 100),
          format_ipv4(chosen + 2),
          format_ipv4(chosen + 3),
          24,
          "",
          ""};
}

}  // namespace lichen::launcher
