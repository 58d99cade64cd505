#include "monitor/container.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/clock.h"
#include "core/stream_pipe.h"
#include "core/text.h"
#include "monitor/container_child.h"
#include "monitor/leftovers.h"

namespace lichen::monitor {

namespace {

const char* name_of(Container::State state) {
  switch (state) {
    case Container::State::creating:
    case Container::State::created:
    case Container::State::starting:
      return "created";
    case Container::State::running:
      return "running";
    case Container::State::exited:
      break;
  }
  return "exited";
}

std::string log_error_event(const std::string& container, const Error& error, uint64_t lost) {
  return JsonObject()
      .text("event", "log-error")
      .text("container", container)
      .text("cause", error.text())
      .number("lost", static_cast<int64_t>(lost))
      .str();
}

Status signal_every_process(const std::string& cgroup, int number) {
  LICHEN_ASSIGN(std::string list, read_file(cgroup + "/cgroup.procs"));
  for (std::string_view line : split(list, '\n'))
    if (auto pid = parse_number<pid_t>(line); pid && *pid > 0) ::kill(*pid, number);
  return {};
}

}  // namespace

int set_oom_score_adj(pid_t pid, int value) {
  std::string path = "/proc/" + std::to_string(pid) + "/oom_score_adj";
  (void)write_file(path, std::to_string(value));
  auto now = read_file(path);
  return now ? parse_number<int>(trim(*now.operator->())).value_or(0) : 0;
}

Container::Container(Context& context, CreateRequest request)
    : context_(context),
      request_(std::move(request)),
      losses_(context.loop, [this](const Error& error, uint64_t lost) {
        context_.broadcast(log_error_event(request_.container, error, lost));
      }) {}

Container::~Container() { context_.loop.forget(channel_); }

Status Container::open_streams(StandardStreams& streams) {
  LICHEN_ASSIGN(LogFile log,
                LogFile::open(request_.log, request_.log_limits,
                              [this](const Error& error, uint64_t lost) { losses_.update(error, lost); }));
  output_ = std::make_unique<Output>(context_.loop, context_.scratch, std::move(log));
  if (request_.terminal) return {};
  LICHEN_ASSIGN(Pipe out, make_output_pipe());
  LICHEN_ASSIGN(Pipe error, make_output_pipe());
  LICHEN_TRY(output_->add("stdout", std::move(out.read)));
  LICHEN_TRY(output_->add("stderr", std::move(error.read)));
  streams.out = std::move(out.write);
  streams.error = std::move(error.write);
  if (!request_.stdin) return {};
  LICHEN_ASSIGN(Pipe in, make_stream_pipe());
  streams.in = std::move(in.read);
  stdin_ = std::move(in.write);
  return {};
}

Status Container::create(ContainerFiles files, const Fd& target, Reply reply) {
  ContainerStart start;
  start.spec = std::move(files.spec);
  start.root = std::move(files.root);
  if (files.filter) {
    LICHEN_ASSIGN(seccomp_, files.filter.duplicate());
    start.filter = std::move(files.filter);
  }
  start.terminal = request_.terminal;
  start.place = context_.pod.path();
  start.mounts = context_.pod.mount_context(request_.pid == PidMode::node);
  LICHEN_TRY(open_streams(start.streams));
  Fd cgroup;
  if (!request_.cgroup.empty()) {
    LICHEN_ASSIGN(cgroup, open_at(Fd(), request_.cgroup, O_RDONLY | O_DIRECTORY));
  }
  LICHEN_ASSIGN(SocketPair channel, make_packet_pair());
  start.channel = std::move(channel.second);
  Fd own;
  const Fd& member = request_.pid == PidMode::pod      ? context_.pod.init_pidfd()
                     : request_.pid == PidMode::target ? target
                                                       : own;
  if (const Fd& user = context_.pod.user_namespace(); user) {
    LICHEN_ASSIGN(start.node, take_node_parts(start));
    LICHEN_TRY(own_streams(start.streams, context_.pod.node_uid(start.node->spec.process.user.uid)));
    start.place = "/";  // the pod's directory is closed to it
  }
  unsigned long namespaces = CLONE_NEWNS | (request_.pid == PidMode::container ? CLONE_NEWPID : 0);
  LICHEN_ASSIGN(ChildProcess child,
                clone_process_joining({context_.pod.user_namespace(), member}, namespaces, cgroup));
  if (child.pid == 0) run_container_child(std::move(start));
  create_reply_ = std::move(reply);
  return adopt(std::move(child), std::move(channel.first));
}

Status Container::adopt(ChildProcess process, Fd channel) {
  process_ = std::move(process);
  channel_ = std::move(channel);
  if (request_.oom_score_adj)
    request_.oom_score_adj = set_oom_score_adj(process_.pid, *request_.oom_score_adj);
  auto watched = context_.loop.watch(channel_, EPOLLIN, [this](uint32_t) { hear(); });
  if (!watched) failure_ = watched.error();
  if (!watched) kill();
  return {};  // from here on the process is there: whatever happens is answered when it is reaped
}

void Container::hear() {
  if (!channel_) return;
  auto packet = receive_packet(channel_);
  if (!packet || !*packet.operator->()) return channel_closed();
  auto told = read_report(std::move(**packet.operator->()));
  if (told) return report(std::move(told).value());
  failure_ = told.error();
  kill();
}

void Container::report(ChildReport told) {
  failure_ = std::move(told.error);
  if (failure_) return;  // it ends by itself
  Answer answer;
  if (told.seccomp) {
    seccomp_ = std::move(told.seccomp);
    if (auto copy = seccomp_.duplicate()) answer.fds.push_back(std::move(copy).value());
  }
  terminal_ = std::move(told.terminal);
  if (terminal_) {
    auto master = terminal_.duplicate();
    auto added =
        master ? output_->add("stdout", std::move(master).value()) : Status(std::move(master).error());
    if (!added) {
      failure_ = added.error();
      return kill();
    }
  }
  state_ = State::created;
  if (request_.pid != PidMode::container && request_.cgroup.empty())
    space_ = space_of(process_.pid, Mark::mount);
  created_at_ = now_ns();
  JsonObject ok;
  ok.number("pid", process_.pid);
  if (request_.oom_score_adj) ok.number("oomScoreAdj", *request_.oom_score_adj);
  answer.json = ok.str();
  std::exchange(create_reply_, {})(std::move(answer));
}

void Container::start(Reply reply) {
  if (state_ != State::created)
    return reply(
        plain_error("NOT_CREATED", "start container", id(), std::string("it is ") + name_of(state_)));
  if (!send_go(channel_))
    return reply(plain_error("NOT_CREATED", "start container", id(), "its process has been killed"));
  state_ = State::starting;
  start_reply_ = std::move(reply);
}

void Container::channel_closed() {
  context_.loop.forget(channel_);
  channel_.reset();
  if (state_ != State::starting || failure_) return;  // its end is told by its being reaped
  state_ = State::running;
  started_at_ = now_ns();
  std::exchange(start_reply_,
                {})(Answer{JsonObject().text("startedAt", std::to_string(started_at_)).str(), {}});
}

Status Container::signal(int number, bool all) {
  if (state_ == State::exited || process_.pid == 0)
    return plain_error("NOT_RUNNING", "signal container", id(), "it has exited");
  if (all && number == SIGKILL) {
    kill();
    return {};
  }
  if (all && !request_.cgroup.empty()) return signal_every_process(request_.cgroup, number);
  if (::kill(process_.pid, number) != 0)
    return sys_error("kill", id() + " (signal " + std::to_string(number) + ")");
  return {};
}

Status Container::resize(const TerminalSize& size) {
  if (!terminal_) return plain_error("NO_TERMINAL", "resize", id(), "the container has no terminal");
  return resize_terminal(terminal_, size);
}

Result<Answer> Container::attach(const AttachRequest& request, int64_t attachment) {
  if (state_ == State::creating || state_ == State::exited)
    return plain_error("NOT_RUNNING", "attach to container", id(), std::string("it is ") + name_of(state_));
  Answer answer;
  std::vector<std::string> names;
  auto add = [&](const char* name, Fd fd) {
    names.push_back(json_quote(name));
    answer.fds.push_back(std::move(fd));
  };
  if (request.stdin) {
    LICHEN_ASSIGN(Fd input, input_for_client());
    if (input) add("stdin", std::move(input));
  }
  auto too_slow = [this, attachment] {
    context_.broadcast(JsonObject()
                           .text("event", "detached")
                           .text("container", id())
                           .number("attachment", attachment)
                           .str());
  };
  if (request.stdout) {
    LICHEN_ASSIGN(Fd output, output_->copy("stdout", too_slow));
    add("stdout", std::move(output));
  }
  if (request.stderr && !request_.terminal) {
    LICHEN_ASSIGN(Fd output, output_->copy("stderr", too_slow));
    add("stderr", std::move(output));
  }
  answer.json = JsonObject().number("attachment", attachment).raw("streams", json_list(names)).str();
  return answer;
}

// With stdinOnce the first client gets the only writing end there is: when it closes, the container reads the
// end.
Result<Fd> Container::input_for_client() {
  if (!request_.stdin) return Fd();
  if (terminal_) return terminal_.duplicate();
  if (!stdin_ || request_.stdin_once) return std::move(stdin_);
  return stdin_.duplicate();
}

void Container::kill() {
  if (!request_.cgroup.empty()) (void)write_file(request_.cgroup + "/cgroup.kill", "1");
  if (process_.pid > 0) ::kill(process_.pid, SIGKILL);
}

void Container::reaped(int status) {
  while (channel_) hear();  // what it said last
  process_.pid = 0;
  Exit exit = exit_from_status(status);
  exit.oom = killed_for_memory(request_.cgroup);
  if (state_ == State::creating) {
    if (!failure_)
      failure_ = plain_error("DIED", "set up container", id(),
                             "its process died, exit code " + std::to_string(exit.code));
    create_failed_ = true;
    state_ = State::exited;
    return std::exchange(create_reply_, {})(*failure_);
  }
  finish(exit);
  if (start_reply_) std::exchange(start_reply_, {})(*failure_);
}

// Whatever shares its PID namespace with others did not end with its first process.
void Container::kill_leftovers() {
  if (request_.pid == PidMode::container) return;
  if (!request_.cgroup.empty())
    (void)write_file(request_.cgroup + "/cgroup.kill", "1");
  else if (space_)
    kill_processes_of(*space_);
  space_.reset();
}

void Container::finish(const Exit& exit) {
  kill_leftovers();
  state_ = State::exited;
  exit_ = exit;
  stdin_.reset();
  process_.pidfd.reset();
  output_->drain();
  output_->finish();
  losses_.flush();
  auto saved = save_exit_record(context_.pod.directory(), id(), exit);
  if (!saved) dprintf(2, "lichen-monitor %s: %s\n", context_.pod.id().c_str(), saved.error().text().c_str());
  JsonObject event;
  event.text("event", "exit").text("container", id());
  write_exit(event, exit);
  context_.broadcast(event.flag("oom", exit.oom).str());
}

std::string Container::to_json() const {
  return JsonObject()
      .text("container", id())
      .text("state", name_of(state_))
      .number("pid", process_.pid)
      .text("createdAt", std::to_string(created_at_))
      .text("startedAt", std::to_string(started_at_))
      .text("finishedAt", std::to_string(exit_.at))
      .number("code", exit_.code)
      .number("signal", exit_.signal)
      .flag("oom", exit_.oom)
      .number("logLost", output_ ? static_cast<int64_t>(output_->lost()) : 0)
      .str();
}

}  // namespace lichen::monitor
