// Processes for JavaScript: core/spawn.h, and pidfds on Node's event loop.
#include "addon/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "addon/convert.h"
#include "addon/environment.h"
#include "addon/fd_object.h"
#include "addon/loop_poll.h"
#include "core/spawn.h"

namespace lichen::addon {

namespace {

// An element of spawn's `fds`: an Fd, null for /dev/null, "inherit" for the daemon's own descriptor of that
// number.
ChildFd child_fd(Arguments& arguments, const Napi::Value& value) {
  if (value.IsNull()) return {};
  if (value.IsString() && value.As<Napi::String>().Utf8Value() == "inherit")
    return {ChildFd::Kind::kInherit, nullptr};
  return {ChildFd::Kind::kGiven,
          &FdObject::from(arguments, value, "every element of fds (unless null or \"inherit\")")};
}

// spawn({file, args, env, cwd?, fds, cgroup?}): [pid, pidfd]
Napi::Value spawn_process(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "spawn");
  SpawnRequest request;
  request.file = arguments.string(arguments.member(info[0], "file"), "file");
  request.args = arguments.strings(arguments.member(info[0], "args"), "args");
  request.env = arguments.strings(arguments.member(info[0], "env"), "env");
  request.cwd = arguments.optional_string(arguments.member(info[0], "cwd"), "cwd");
  std::string cgroup = arguments.optional_string(arguments.member(info[0], "cgroup"), "cgroup");
  Napi::Array fds = arguments.array(arguments.member(info[0], "fds"), "fds");
  for (uint32_t i = 0; arguments.ok() && i < fds.Length(); i++)
    request.fds.push_back(child_fd(arguments, fds.Get(i)));
  if (!arguments.ok()) return info.Env().Undefined();

  Fd directory;
  if (!cgroup.empty()) {
    auto opened = open_at({}, cgroup, O_PATH | O_DIRECTORY);
    if (!opened) return throw_error(info.Env(), opened.error());
    directory = std::move(opened).value();
    request.cgroup = &directory;
  }
  auto child = spawn(request);
  if (!child) return throw_error(info.Env(), child.error());
  Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, Napi::Number::New(info.Env(), child->pid));
  result.Set(1u, FdObject::wrap(info.Env(), std::move(child->pidfd)));
  return result;
}

// openPidfd(pid): Fd
Napi::Value open_pidfd(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "openPidfd");
  auto pid = static_cast<pid_t>(arguments.number(info[0], "pid", 1, INT32_MAX));
  if (!arguments.ok()) return info.Env().Undefined();
  Fd fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return throw_error(info.Env(), sys_error("pidfd_open", std::to_string(pid)));
  return FdObject::wrap(info.Env(), std::move(fd));
}

// signalPidfd(pidfd, signal): false when the process is gone
Napi::Value signal_pidfd(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "signalPidfd");
  const Fd& pidfd = FdObject::from(arguments, info[0], "pidfd");
  auto signal = static_cast<int>(arguments.number(info[1], "signal", 0, SIGRTMAX));
  if (!arguments.ok()) return info.Env().Undefined();
  bool sent = syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
  if (!sent && errno != ESRCH)
    return throw_error(info.Env(), sys_error("pidfd_send_signal", std::to_string(signal)));
  return Napi::Boolean::New(info.Env(), sent);
}

// new PidWatcher(pidfd, onExit(code, signal)): calls once, when the process has ended. A child of ours is
// reaped and its status given, as one number (0 for the other); anybody else's process gives two nulls. Lives
// until then, or until close().
class PidWatcher : public Napi::ObjectWrap<PidWatcher> {
 public:
  static void define(Napi::Env env, Napi::Object exports) {
    exports.Set("PidWatcher", DefineClass(env, "PidWatcher",
                                          {InstanceMethod<&PidWatcher::close>("close"),
                                           InstanceMethod<&PidWatcher::set_ref>("setRef")}));
  }

  explicit PidWatcher(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<PidWatcher>(info), context_(info.Env(), "lichen.PidWatcher") {
    Arguments arguments(info, "PidWatcher");
    const Fd& pidfd = FdObject::from(arguments, info[0], "pidfd");
    Napi::Function on_exit = arguments.function(info[1], "onExit");
    if (!arguments.ok()) return;
    auto copy = pidfd.duplicate();
    if (!copy) {
      throw_error(info.Env(), copy.error());
      return;
    }
    auto poll = LoopPoll::start(info.Env(), copy.value(), UV_READABLE, [this](int) { exited(); });
    if (!poll) {
      throw_error(info.Env(), poll.error());
      return;
    }
    pidfd_ = std::move(copy).value();
    poll_ = std::move(poll).value();
    on_exit_ = Napi::Persistent(on_exit);
    Ref();
  }

 private:
  void exited() {
    Napi::Env env = Env();
    [[maybe_unused]] Napi::Value self = Value();  // not to be collected before the end of this function
    siginfo_t status{};
    int waited;
    do waited = waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &status, WEXITED | WNOHANG);
    while (waited != 0 && errno == EINTR);
    if (waited == 0 && status.si_pid == 0) return;  // not yet
    Napi::FunctionReference on_exit = std::move(on_exit_);
    finish();
    Napi::Value code = env.Null();
    Napi::Value signal = env.Null();
    if (waited == 0) {
      bool normal = status.si_code == CLD_EXITED;
      code = Napi::Number::New(env, normal ? status.si_status : 0);
      signal = Napi::Number::New(env, normal ? 0 : status.si_status);
    }
    call_from_loop(env, on_exit, context_, {code, signal});
  }

  void finish() {
    if (!poll_) return;
    poll_.stop();
    pidfd_.reset();
    on_exit_.Reset();  // it leads to the object that leads here
    Unref();
  }

  void close(const Napi::CallbackInfo&) { finish(); }

  void set_ref(const Napi::CallbackInfo& info) {
    Arguments arguments(info, "setRef");
    bool ref = arguments.optional_boolean(info[0], "ref");
    if (arguments.ok()) poll_.set_ref(ref);
  }

  Fd pidfd_;
  LoopPoll poll_;
  Napi::FunctionReference on_exit_;
  Napi::AsyncContext context_;
};

}  // namespace

void add_process(Napi::Env env, Napi::Object exports) {
  PidWatcher::define(env, exports);
  exports.Set("spawn", Napi::Function::New<spawn_process>(env, "spawn"));
  exports.Set("openPidfd", Napi::Function::New<open_pidfd>(env, "openPidfd"));
  exports.Set("signalPidfd", Napi::Function::New<signal_pidfd>(env, "signalPidfd"));
}

}  // namespace lichen::addon
