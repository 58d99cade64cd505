#include "monitor/exec.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <csignal>

#include "monitor/leftovers.h"

namespace lichen::monitor {

Exec::~Exec() {
  context_.loop.forget(channel_);
  if (timer_ != 0) context_.loop.cancel(timer_);
  if (grace_timer_ != 0) context_.loop.cancel(grace_timer_);
}

Status Exec::begin(const Container& container, Fd process, StandardStreams streams, Reply reply) {
  ExecStart start;
  start.process = std::move(process);
  start.streams = std::move(streams);
  start.terminal = request_.terminal;
  start.size = request_.size;
  LICHEN_ASSIGN(start.container, container.pidfd().duplicate());
  start.container_pid = container.pid();
  if (container.seccomp()) {
    LICHEN_ASSIGN(start.seccomp, container.seccomp().duplicate());
  }
  Fd cgroup;
  if (!container.cgroup().empty()) {
    LICHEN_ASSIGN(cgroup, open_at(Fd(), container.cgroup(), O_RDONLY | O_DIRECTORY));
  }
  LICHEN_ASSIGN(SocketPair channel, make_packet_pair());
  start.channel = std::move(channel.second);
  const Fd& user = context_.pod.user_namespace();
  if (user) {
    LICHEN_ASSIGN(OciProcess described, read_exec_process(start.process));
    LICHEN_TRY(own_streams(start.streams, context_.pod.node_uid(described.user.uid)));
    start.nested = true;
  }
  Fd own;
  LICHEN_ASSIGN(process_,
                clone_process_joining({user, container.in_node_pids() ? own : container.pidfd()}, 0, cgroup));
  if (process_.pid == 0) run_exec_child(std::move(start));
  channel_ = std::move(channel.first);
  reply_ = std::move(reply);
  if (container.oom_score_adj()) set_oom_score_adj(process_.pid, *container.oom_score_adj());
  if (request_.timeout_ms > 0)
    timer_ = context_.loop.after(std::chrono::milliseconds(request_.timeout_ms), [this] {
      timer_ = 0;
      timed_out_ = true;
      kill_all();
    });
  auto watched = context_.loop.watch(channel_, EPOLLIN, [this](uint32_t) { hear(); });
  if (!watched) failure_ = watched.error();
  if (!watched) (void)signal(SIGKILL);
  return {};  // from here on the process is there: whatever happens is answered when it is reaped
}

void Exec::hear() {
  if (!channel_) return;
  auto packet = receive_packet(channel_);
  if (!packet || !*packet.operator->()) return channel_closed();
  auto told = read_report(std::move(**packet.operator->()));
  if (!told) {
    failure_ = told.error();
    (void)signal(SIGKILL);
    return;
  }
  if (told->error) failure_ = std::move(told->error);
  if (told->terminal) terminal_ = std::move(told->terminal);
}

void Exec::channel_closed() {
  context_.loop.forget(channel_);
  channel_.reset();
  if (failure_) return;  // answered when it is reaped
  Answer answer;
  answer.json = JsonObject().number("pid", process_.pid).str();
  if (terminal_)
    if (auto master = terminal_.duplicate()) answer.fds.push_back(std::move(master).value());
  std::exchange(reply_, {})(std::move(answer));
}

Status Exec::signal(int number) {
  // setsid(2) is among the first things it does; until then its group is the monitor's.
  if (::kill(-process_.pid, number) == 0 || ::kill(process_.pid, number) == 0) return {};
  return sys_error("kill", "exec " + id());
}

void Exec::kill_all() {
  // A process that is killed has no namespaces any more. Before it has one of its own, it lives in the
  // monitor's, which is spared.
  auto space = space_of(process_.pid, Mark::cgroup);
  (void)signal(SIGKILL);
  if (space) kill_processes_of(*space);
}

Status Exec::resize(const TerminalSize& size) {
  if (!terminal_) return plain_error("NO_TERMINAL", "resize", id(), "the exec has no terminal");
  return resize_terminal(terminal_, size);
}

void Exec::abandon() {
  if (grace_timer_ != 0 || process_.pid == 0) return;
  terminal_.reset();
  grace_timer_ = context_.loop.after(std::chrono::milliseconds(request_.grace_ms), [this] {
    grace_timer_ = 0;
    kill_all();
  });
}

void Exec::reaped(int status) {
  while (channel_) hear();  // what it said last
  Exit exit = exit_from_status(status);
  process_.pid = 0;
  if (reply_) return std::exchange(reply_, {})(*failure_);
  JsonObject event;
  event.text("event", "exec-exit").text("exec", id());
  write_exit(event, exit);
  context_.broadcast(event.flag("timedOut", timed_out_).str());
}

}  // namespace lichen::monitor
