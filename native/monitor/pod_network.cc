#include "monitor/pod_network.h"

#include <fcntl.h>

#include "core/offloads.h"
#include "core/sysctl.h"
#include "core/text.h"
#include "core/traffic_shaping.h"

namespace lichen::monitor {

namespace {

// pasta(1) passes on what its socket takes and drops the rest, and whatever comes in disorder. Nothing tells
// the sender but the timeout, so that is short on the way to it: with 200 ms an upload stands still most of
// the time.
constexpr uint32_t kUplinkLeastTimeoutMs = 20;

// How many gids there are from 0 on (user_namespaces(7)): ping_group_range takes no others.
uint64_t mapped_gids() {
  auto map = read_file("/proc/self/gid_map");
  if (!map) return 1;
  uint64_t end = 0;
  for (std::string_view line : split(map.value(), '\n')) {
    std::vector<std::string_view> words = split_words(line);
    if (words.size() != 3) continue;
    auto inside = parse_number<uint64_t>(words[0], 10);
    auto count = parse_number<uint64_t>(words[2], 10);
    if (inside && count && *inside == end) end += *count;
  }
  return end > 0 ? end : 1;
}

// What programs in pods expect: port 80 and ping without a capability, as everything in the namespace is the
// pod's. The daemon and routers announce nothing to pods, and addresses are distinct, so that nothing is to
// be waited for. A kernel without one of them is no reason to refuse the pod; the pod's own sysctls come
// later.
void set_defaults() {
  (void)set_sysctl("net.ipv4.ip_unprivileged_port_start", "0");
  (void)set_sysctl("net.ipv4.ping_group_range", "0 " + std::to_string(mapped_gids() - 1));
  // After a timeout all that was lost is sent again at once. F-RTO (RFC 5682) sends something new first, and
  // waits for what pasta(1) says to it: nothing, until the next timeout.
  (void)set_sysctl("net.ipv4.tcp_frto", "0");
  (void)set_sysctl("net.ipv6.conf.default.accept_ra", "0");
  (void)set_sysctl("net.ipv6.conf.default.accept_dad", "0");
}

Status limit_rates(Netlink& node, Netlink& pod, const PodInterface& interface) {
  // What one end sends the other one receives.
  if (interface.ingress_bits > 0) LICHEN_TRY(limit_rate(node, interface.host, interface.ingress_bits));
  if (interface.egress_bits > 0) LICHEN_TRY(limit_rate(pod, interface.name, interface.egress_bits));
  return {};
}

}  // namespace

Status set_up_network(Netlink& node, const std::optional<PodInterface>& interface) {
  LICHEN_ASSIGN(Netlink pod, open_rtnetlink());
  LICHEN_TRY(set_link_up(pod, "lo"));
  set_defaults();
  if (!interface) return {};
  LICHEN_ASSIGN(Fd netns, open_at(Fd(), "/proc/self/ns/net", O_RDONLY));
  VethPair pair;
  pair.name = interface->host;
  pair.peer = interface->name;
  pair.peer_netns = &netns;
  pair.master = interface->bridge;
  pair.mtu = interface->mtu;
  LICHEN_TRY(create_veth(node, pair));
  // A kernel without one of these is slower, no more.
  (void)keep_order(pod, interface->name, node, interface->host);
  (void)allow_large_batches(pod, interface->name);
  (void)allow_large_batches(node, interface->host);
  LICHEN_TRY(set_bridge_port(node, interface->host, {.hairpin = true, .isolated = interface->isolated}));
  for (const IpAddress& address : interface->addresses)
    LICHEN_TRY(add_address(pod, interface->name, address));
  LICHEN_TRY(set_link_up(pod, interface->name));
  for (const IpAddress& gateway : interface->gateways)
    LICHEN_TRY(add_default_route(pod, interface->name, gateway, kUplinkLeastTimeoutMs));
  return limit_rates(node, pod, *interface);
}

}  // namespace lichen::monitor
