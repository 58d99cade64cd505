#include "launcher/uplink_keeper.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <cstdio>

#include "launcher/clock.h"
#include "launcher/resolv_conf.h"
#include "launcher/uplink_pace.h"

namespace lichen::launcher {

namespace {

bool allows(const UplinkWish& wish, const UplinkState& state) {
  const UplinkChoice choice = wish.choice;
  const std::string& kind = state.kind;
  if (wish.host_loopback != state.host_loopback) return false;
  return choice == UplinkChoice::kAuto || (choice == UplinkChoice::kPasta && kind == "pasta") ||
         (choice == UplinkChoice::kSlirp4netns && kind == "slirp4netns");
}

Subnet subnet_beside_host() {
  auto routes = read_file("/proc/net/route");
  Subnet subnet = choose_subnet(parse_routes(routes ? routes.value() : ""));
  auto routes6 = read_file("/proc/net/ipv6_route");
  return has_default_route6(routes6 ? routes6.value() : "") ? with_ipv6(std::move(subnet)) : subnet;
}

}  // namespace

void UplinkKeeper::start(pid_t pid, Warnings& warnings) {
  take(start_uplink(wish_, pid, subnet_beside_host(), files(), warnings));
}

void UplinkKeeper::adopt_or_start(const UplinkState& previous, Warnings& warnings) {
  auto identity = read_live_pid(directory_.file("uplink.pid"));
  auto pidfd = identity ? open_process(*identity) : Result<Fd>(Error{});
  if (pidfd && allows(wish_, previous)) {
    take({previous, UplinkProcess{previous.kind, *identity, std::move(pidfd).value()}});
    return;
  }
  if (pidfd) end_uplink({previous.kind, *identity, std::move(pidfd).value()});
  auto holder = Holder::start(namespaces_);
  if (!holder) {
    state_.reason = holder.error().text();
    return;
  }
  // Pods live on: the node keeps its address where it has one.
  Subnet subnet = previous.subnet.cidr.empty() ? subnet_beside_host() : previous.subnet;
  if (subnet.address.empty()) subnet = subnet_beside_host();
  take(start_uplink(wish_, holder->pid(), subnet, files(), warnings));
}

void UplinkKeeper::ended() {
  std::fprintf(stderr, "lichen-launcher: the uplink (%s, PID %d) has ended\n", process_->kind.c_str(),
               process_->identity.pid);
  // An adopted one is nobody's child here.
  waitpid(process_->identity.pid, nullptr, WNOHANG);
  state_.down = "the uplink (" + process_->kind + ") has ended, and is started again";
  process_.reset();
  int64_t now = monotonic_ms();
  due_ = now + backoff_.next_ms(now - started_);
}

void UplinkKeeper::restart() {
  due_ = 0;
  Warnings warnings;
  auto holder = Holder::start(namespaces_);
  if (holder) take(start_uplink(wish_, holder->pid(), state_.subnet, files(), warnings));
  if (process_) return;
  const std::string reason = holder ? state_.reason : holder.error().text();
  state_.down = "the uplink has ended and could not be started again yet: " + reason;
  std::fprintf(stderr, "lichen-launcher: no uplink: %s\n", reason.c_str());
  due_ = monotonic_ms() + backoff_.next_ms(0);
}

void UplinkKeeper::end() {
  if (process_) end_uplink(*process_);
  process_.reset();
  directory_.remove("uplink.pid");
  directory_.remove("uplink.ready");
}

void UplinkKeeper::take(StartedUplink started) {
  state_ = std::move(started.state);
  process_ = std::move(started.process);
  started_ = monotonic_ms();
  if (process_) {
    Status written = directory_.write_pid("uplink.pid", process_->identity);
    if (!written) std::fprintf(stderr, "lichen-launcher: %s\n", written.error().text().c_str());
    // A kernel without it is slower in the bad case, no more.
    if (process_->kind == "pasta") (void)pace_uplink(namespaces_);
  }
  write_resolv_conf();
}

void UplinkKeeper::write_resolv_conf() const {
  auto host = read_file("/etc/resolv.conf");
  std::string forwarder = process_ ? state_.subnet.dns : "";
  std::string text = node_resolv_conf(host ? host.value() : "", forwarder);
  // In place: the node sees this very file through a bind mount.
  auto file = open_at({}, directory_.file("resolv.conf"), O_WRONLY | O_TRUNC);
  Status written = file ? write_all(file.value(), text.data(), text.size()) : Status(file.error());
  if (!written) std::fprintf(stderr, "lichen-launcher: resolv.conf: %s\n", written.error().text().c_str());
}

}  // namespace lichen::launcher
