#include "launcher/uplink.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/text.h"
#include "launcher/clock.h"
#include "launcher/program.h"
#include "launcher/tun_device.h"

namespace lichen::launcher {

namespace {

constexpr int kReadyTimeoutMs = 5000;
constexpr int kEndTimeoutMs = 1000;

bool has_content(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && status.st_size > 0;
}

bool ended_within(const Fd& pidfd, int timeout_ms) {
  pollfd end{pidfd.get(), POLLIN, 0};
  return poll(&end, 1, timeout_ms) > 0;
}

void send_signal(const Fd& pidfd, int signal) {
  syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
}

// Without libc's waitid constants for pidfds of processes that are not our children: ECHILD is fine.
void reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// The last line that is not about the system logger, which containers do not have.
std::string last_words(const std::string& log) {
  auto text = read_file(log);
  std::string words;
  if (!text) return words;
  for (std::string_view line : split(text.value(), '\n')) {
    line = trim(line);
    if (!line.empty() && line.find("syslog") == std::string_view::npos) words = line;
  }
  return words;
}

struct Kind {
  const char* name;
  UplinkChoice choice;
  Result<UplinkProcess> (*start)(const std::string&, pid_t, const Subnet&, bool, const UplinkFiles&);
};

constexpr Kind kKinds[] = {{"pasta", UplinkChoice::kPasta, start_pasta},
                           {"slirp4netns", UplinkChoice::kSlirp4netns, start_slirp4netns}};

Subnet without_ipv6(Subnet subnet) {
  subnet.address6 = subnet.gateway6 = "";
  return subnet;
}

// What to try with a program: both families, then IPv4 alone; slirp4netns(1) has an IPv6 of its own that is
// of no use here.
std::vector<Subnet> forms(const Kind& kind, const Subnet& subnet) {
  if (kind.choice == UplinkChoice::kPasta && !subnet.address6.empty()) return {subnet, without_ipv6(subnet)};
  return {without_ipv6(subnet)};
}

Warning no_uplink(const std::string& reason, const std::string& hint) {
  return {"UPLINK_MISSING", "pods reach nothing beyond this node: " + reason, hint};
}

}  // namespace

Result<UplinkProcess> await_uplink(const std::string& kind, pid_t pid, Fd pidfd, const UplinkFiles& files) {
  int64_t deadline = monotonic_ms() + kReadyTimeoutMs;
  bool ended = false;
  while (!has_content(files.ready) && monotonic_ms() < deadline && !ended) ended = ended_within(pidfd, 2);
  if (!ended && has_content(files.ready)) {
    auto identity = identify_process(pid);
    if (identity) return UplinkProcess{kind, identity.value(), std::move(pidfd)};
  }
  send_signal(pidfd, SIGKILL);
  reap(pid);
  std::string words = last_words(files.log);
  if (words.empty()) words = ended ? "it ended without a message" : "it did not become ready in time";
  return plain_error("UPLINK_FAILED", "start", kind, words);
}

StartedUplink start_uplink(const UplinkWish& wish, pid_t pid, const Subnet& subnet, const UplinkFiles& files,
                           Warnings& warnings) {
  StartedUplink started;
  started.state.subnet = subnet;
  if (wish.choice == UplinkChoice::kNone) {
    started.state.reason = "switched off by --uplink none";
    return started;
  }
  if (Status tun = try_tun_device(); !tun) {
    started.state.reason = tun.error().text();
    warnings.push_back(no_uplink(started.state.reason, tun_hint(tun.error())));
    return started;
  }
  std::string reasons;
  auto note = [&](const std::string& reason) { reasons += (reasons.empty() ? "" : "; ") + reason; };
  for (const Kind& kind : kKinds) {
    if (wish.choice != UplinkChoice::kAuto && wish.choice != kind.choice) continue;
    std::string program = find_program(kind.name);
    if (program.empty()) {
      note(std::string(kind.name) + " is not in PATH");
      continue;
    }
    for (const Subnet& form : forms(kind, subnet)) {
      auto process = kind.start(program, pid, form, wish.host_loopback, files);
      if (process) {
        started.state.kind = kind.name;
        started.state.subnet = form;
        started.state.host_loopback = wish.host_loopback;
        started.state.reason = reasons;
        started.process = std::move(process).value();
        return started;
      }
      note(process.error().text());
    }
  }
  started.state.reason = reasons;
  warnings.push_back(no_uplink(reasons, "sudo apt-get install -y passt slirp4netns"));
  return started;
}

void end_uplink(const UplinkProcess& uplink) {
  send_signal(uplink.pidfd, SIGTERM);
  if (!ended_within(uplink.pidfd, kEndTimeoutMs)) {
    send_signal(uplink.pidfd, SIGKILL);
    ended_within(uplink.pidfd, kEndTimeoutMs);
  }
  reap(uplink.identity.pid);
}

}  // namespace lichen::launcher
