#include "launcher/resolv_conf.h"

#include <vector>

#include "core/text.h"

namespace lichen::launcher {

namespace {

constexpr int kMaxServers = 3;  // MAXNS: resolvers ignore the rest

bool on_loopback(std::string_view server) { return server.starts_with("127.") || server == "::1"; }

}  // namespace

std::string node_resolv_conf(std::string_view host, const std::string& forwarder) {
  if (forwarder.empty()) return std::string(host);
  std::string text = "nameserver " + forwarder + "\n";
  int servers = 1;
  for (std::string_view line : split(host, '\n')) {
    std::vector<std::string_view> words = split_words(trim(line));
    if (words.empty() || words[0].starts_with('#') || words[0].starts_with(';')) continue;
    bool server = words[0] == "nameserver";
    if (server && (words.size() < 2 || on_loopback(words[1]) || ++servers > kMaxServers)) continue;
    text += std::string(trim(line)) + "\n";
  }
  return text;
}

}  // namespace lichen::launcher
