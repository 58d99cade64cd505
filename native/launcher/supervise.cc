#include "launcher/supervise.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

#include "core/idle_memory.h"
#include "core/scm.h"
#include "launcher/backoff.h"
#include "launcher/clock.h"
#include "launcher/daemon_process.h"
#include "launcher/requests.h"

namespace lichen::launcher {

namespace {

constexpr int64_t kStopTimeoutMs = 30000;

sigset_t supervised_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

class Supervisor {
 public:
  Supervisor(const Supervised& supervised, Fd signals) : with_(supervised), signals_(std::move(signals)) {}

  Result<int> run() {
    LICHEN_TRY(start_daemon_now());
    give_memory_back();
    while (!status_) {
      wait();
      LICHEN_TRY(act_on_time());
    }
    return *status_;
  }

 private:
  // One poll over everything that can happen.
  void wait() {
    const Fd none;
    const Fd* sources[] = {&signals_, daemon_ ? &daemon_->pidfd : &none, daemon_ ? &daemon_->channel : &none,
                           with_.uplink.pidfd() ? with_.uplink.pidfd() : &none};
    pollfd events[4];
    for (int i = 0; i < 4; i++) events[i] = {sources[i]->get(), POLLIN, 0};
    if (poll(events, 4, timeout()) <= 0) return;
    if (events[0].revents != 0) read_signal();
    if (events[2].revents != 0) read_channel();
    if (events[1].revents != 0) daemon_ended();
    if (events[3].revents != 0) {
      with_.uplink.ended();
      with_.uplink_changed();
    }
  }

  // Milliseconds to the next thing that is due, -1 for none.
  int timeout() const {
    int64_t next = 0;
    for (int64_t due : {daemon_due_, kill_due_, stopping_ ? 0 : with_.uplink.due()})
      if (due != 0 && (next == 0 || due < next)) next = due;
    if (next == 0) return -1;
    return static_cast<int>(std::max<int64_t>(0, next - monotonic_ms()));
  }

  Status act_on_time() {
    int64_t now = monotonic_ms();
    if (!stopping_ && with_.uplink.due() != 0 && now >= with_.uplink.due()) {
      with_.uplink.restart();
      with_.uplink_changed();
    }
    if (kill_due_ != 0 && now >= kill_due_) {
      kill_due_ = 0;
      signal_daemon(SIGKILL);
    }
    if (daemon_due_ != 0 && now >= daemon_due_ && !status_) {
      daemon_due_ = 0;
      LICHEN_TRY(start_daemon_now());
    }
    return {};
  }

  Status start_daemon_now() {
    LICHEN_ASSIGN(DaemonProcess daemon, start_daemon(with_.namespaces, with_.command));
    started_ = monotonic_ms();
    auto identity = identify_process(daemon.pid);
    daemon_ = std::move(daemon);
    if (!identity) return {};  // ended already; the pidfd will say so
    return with_.directory.write_pid("daemon.pid", identity.value());
  }

  void daemon_ended() {
    int wait_status = 0;
    while (waitpid(daemon_->pid, &wait_status, 0) < 0 && errno == EINTR) {
    }
    int status = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
    with_.directory.remove("daemon.pid");
    daemon_.reset();
    if (stopping_ || status == kConfigurationError) {
      status_ = status;
      return;
    }
    int64_t now = monotonic_ms();
    int64_t delay = backoff_.next_ms(now - started_);
    daemon_due_ = now + delay;
    std::fprintf(
        stderr,
        "lichen-launcher: the daemon ended with status %d after %.1f s; starting it again in %.1f s\n",
        status, static_cast<double>(now - started_) / 1000, static_cast<double>(delay) / 1000);
  }

  void read_signal() {
    signalfd_siginfo info;
    if (read(signals_.get(), &info, sizeof info) != sizeof info) return;
    int signal = static_cast<int>(info.ssi_signo);
    if (signal != SIGHUP) {
      stopping_ = true;
      if (kill_due_ == 0) kill_due_ = monotonic_ms() + kStopTimeoutMs;
      if (!daemon_) status_ = 0;
    }
    signal_daemon(signal);
  }

  void signal_daemon(int signal) {
    if (daemon_) syscall(SYS_pidfd_send_signal, daemon_->pidfd.get(), signal, nullptr, 0);
  }

  void read_channel() {
    auto packet = receive_packet(daemon_->channel);
    if (!packet && packet.error().number == EAGAIN) return;
    bool usable = packet && packet.value().has_value();
    if (usable) usable = answer_request(daemon_->channel, packet.value()->bytes).ok();
    // A daemon that closed its end, or does not read its answers, is left alone with it.
    if (!usable) daemon_->channel.reset();
  }

  const Supervised& with_;
  Fd signals_;
  std::optional<DaemonProcess> daemon_;
  std::optional<int> status_;
  Backoff backoff_;
  bool stopping_ = false;
  int64_t started_ = 0;
  int64_t daemon_due_ = 0;
  int64_t kill_due_ = 0;
};

}  // namespace

Status block_supervised_signals() {
  sigset_t set = supervised_signals();
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return sys_error("sigprocmask");
  return {};
}

Result<int> supervise(const Supervised& supervised) {
  sigset_t set = supervised_signals();
  Fd signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) return sys_error("signalfd");
  return Supervisor(supervised, std::move(signals)).run();
}

}  // namespace lichen::launcher
