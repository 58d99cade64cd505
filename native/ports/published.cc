#include "ports/published.h"

#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>

#include "core/process_identity.h"

namespace lichen::ports {

namespace {

// Two sockets a connection, a pipe for each direction that is stuck; some for everything else.
constexpr size_t kDescriptorsPerClient = 6;
constexpr size_t kReserved = 128;
constexpr size_t kMostClients = 20000;

Quota quota_by_descriptors() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  size_t descriptors = std::max<size_t>(limit.rlim_cur, kReserved + kDescriptorsPerClient);
  return {std::min((descriptors - kReserved) / kDescriptorsPerClient, kMostClients), 0};
}

Result<Target> read_target(const JsonReader& request) {
  Target target;
  auto port = static_cast<uint16_t>(request.number("port", 0, 1, 65535));
  for (const std::string& text : request.texts("targets")) {
    LICHEN_ASSIGN(SocketAddress address, SocketAddress::parse(text, port));
    target.pods.push_back(address);
  }
  if (target.pods.empty()) request.refuse("targets", "must have an address");
  target.keep_client = request.flag("keepClient");
  for (const std::string& text : request.texts("podNetworks")) {
    LICHEN_ASSIGN(IpAddress network, parse_ip(text));
    target.pod_networks.push_back(std::move(network));
  }
  return target;
}

}  // namespace

Published::Published(EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)), quota_(quota_by_descriptors()) {}

Status Published::publish(const JsonDocument& document, std::vector<Fd> fds) {
  JsonReader request = document.root();
  std::string pod = request.required_text("pod");
  std::string name = request.required_text("name");
  std::string protocol = request.text("protocol", "tcp");
  if (protocol != "tcp" && protocol != "udp") request.refuse("protocol", "must be one of: tcp, udp");
  auto monitor = static_cast<pid_t>(request.number("monitor", 0, 1, INT32_MAX));
  LICHEN_ASSIGN(Target target, read_target(request));
  if (fds.size() != 1) request.refuse("name", "needs one descriptor beside it: the socket");
  LICHEN_TRY(document.status());
  Fd socket = std::move(fds.front());
  auto relay = protocol == "udp" ? udp_relay(loop_, quota_, std::move(socket), std::move(target))
                                 : tcp_relay(loop_, pool_, quota_, std::move(socket), std::move(target));
  LICHEN_TRY(relay->open());
  LICHEN_TRY(watch_monitor(pod, monitor));
  pods_[pod].ports.push_back({std::move(name), std::move(relay)});
  return {};
}

Status Published::watch_monitor(const std::string& pod, pid_t pid) {
  if (pods_.contains(pod)) return {};
  LICHEN_ASSIGN(ProcessIdentity identity, identify_process(pid));
  LICHEN_ASSIGN(Fd pidfd, open_process(identity));
  LICHEN_TRY(loop_.watch(pidfd, EPOLLIN, [this, pod](uint32_t) {
    unpublish(pod);
    changed_();
  }));
  pods_[pod].monitor = std::move(pidfd);
  return {};
}

void Published::unpublish(const std::string& pod) {
  auto found = pods_.find(pod);
  if (found == pods_.end()) return;
  Pod ended = std::move(found->second);
  pods_.erase(found);
  loop_.forget(ended.monitor);
}

size_t Published::count() const {
  size_t ports = 0;
  for (const auto& [id, pod] : pods_) ports += pod.ports.size();
  return ports;
}

std::string Published::list() const {
  std::vector<std::string> entries;
  for (const auto& [id, pod] : pods_) {
    for (const Port& port : pod.ports) {
      entries.push_back(JsonObject()
                            .text("pod", id)
                            .text("name", port.name)
                            .number("clients", static_cast<int64_t>(port.relay->clients()))
                            .str());
    }
  }
  return json_list(entries);
}

}  // namespace lichen::ports
