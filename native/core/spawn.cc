#include "core/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/clone_with_stack.h"

namespace lichen {

namespace {

// The child needs little, but glibc's wrappers and a profiler's or sanitizer's frames are not ours to count.
constexpr size_t kStackSize = 128 * 1024;

// What parent and child share while the parent waits. The child writes `step` and `error` when it cannot go
// on.
struct Shared {
  const SpawnRequest* request;
  char** args;
  char** env;
  int null_device;
  int cgroup_procs;  // -1: born in its cgroup, or none asked for
  int* sources;      // room for one number a descriptor
  const char* step;
  int error;
};

// ASan knows one stack a thread and would warn of leaving the child's.
#define LICHEN_CHILD_STACK __attribute__((no_sanitize_address))

[[noreturn]] LICHEN_CHILD_STACK void give_up(Shared* shared, const char* step) {
  shared->step = step;
  shared->error = errno;
  _exit(127);
}

// Arranges descriptors 0 … n-1. Two passes, since a source may lie where another one is to go.
LICHEN_CHILD_STACK void arrange_fds(Shared* shared) {
  const auto& fds = shared->request->fds;
  int count = static_cast<int>(fds.size());
  for (int i = 0; i < count; i++) {
    if (fds[i].kind == ChildFd::Kind::kInherit) continue;
    int source = fds[i].kind == ChildFd::Kind::kGiven ? fds[i].fd->get() : shared->null_device;
    shared->sources[i] = fcntl(source, F_DUPFD_CLOEXEC, count);
    if (shared->sources[i] < 0) give_up(shared, "fcntl(F_DUPFD_CLOEXEC)");
  }
  for (int i = 0; i < count; i++) {
    if (fds[i].kind == ChildFd::Kind::kInherit) {
      // A descriptor that the parent does not have either stays closed.
      int flags = fcntl(i, F_GETFD);
      if (flags >= 0) fcntl(i, F_SETFD, flags & ~FD_CLOEXEC);
    } else if (dup2(shared->sources[i], i) < 0) {
      give_up(shared, "dup2");
    }
  }
  if (close_range(static_cast<unsigned>(count), ~0U, CLOSE_RANGE_CLOEXEC) != 0)
    give_up(shared, "close_range");
}

// Runs in the child, in the parent's memory: async-signal-safe calls only, nothing allocated, nothing freed.
[[noreturn]] LICHEN_CHILD_STACK void child_main(void* data) {
  auto* shared = static_cast<Shared*>(data);
  if (shared->cgroup_procs >= 0 && write(shared->cgroup_procs, "0", 1) != 1) give_up(shared, "join cgroup");
  arrange_fds(shared);
  const auto& request = *shared->request;
  if (request.new_session) setsid();
  if (!request.cwd.empty() && chdir(request.cwd.c_str()) != 0) give_up(shared, "chdir");
  // Handlers are gone by CLONE_CLEAR_SIGHAND; what the parent ignores (Node: SIGPIPE) would be ignored across
  // execve too.
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; signal++) sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(request.file.c_str(), shared->args, shared->env);
  give_up(shared, "execve");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

// A stack with an unmapped page below it, so that an overflow cannot write into the parent's memory.
class Stack {
 public:
  static Result<Stack> make() {
    void* base =
        mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) return sys_error("mmap", "(stack of a child)");
    mprotect(base, static_cast<size_t>(sysconf(_SC_PAGESIZE)), PROT_NONE);
    return Stack(base);
  }
  Stack(Stack&& other) noexcept : base_(std::exchange(other.base_, nullptr)) {}
  Stack(const Stack&) = delete;
  Stack& operator=(Stack&&) = delete;
  ~Stack() {
    if (base_ != nullptr) munmap(base_, kStackSize);
  }
  uint64_t base() const { return reinterpret_cast<uint64_t>(base_); }

 private:
  explicit Stack(void* base) : base_(base) {}
  void* base_;
};

// One attempt. A refused clone is the Result's error; a child that could not go on has left its step in
// `shared`.
Result<Spawned> clone_child(Shared& shared, const Stack& stack, const Fd* cgroup) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  arguments.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = stack.base();
  arguments.stack_size = kStackSize;
  if (cgroup != nullptr) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<uint64_t>(cgroup->get());
  }
  // No handler of the parent may run in the child: it would run in the parent's memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  long pid = clone_with_stack(arguments, child_main, &shared);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return sys_error("clone3", "\"" + shared.request->file + "\"", static_cast<int>(-pid));
  return Spawned{static_cast<pid_t>(pid), Fd(pidfd)};
}

void reap(const Spawned& child) {
  while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<Spawned> spawn(const SpawnRequest& request) {
  if (request.file.find('/') == std::string::npos)
    return plain_error("EINVAL", "spawn", "\"" + request.file + "\"", "the program must be named by a path");
  LICHEN_ASSIGN(Stack stack, Stack::make());
  LICHEN_ASSIGN(Fd null_device, open_at({}, "/dev/null", O_RDWR));
  auto args = pointers(request.args);
  auto env = pointers(request.env);
  std::vector<int> sources(request.fds.size(), -1);
  Shared shared{&request, args.data(), env.data(), null_device.get(), -1, sources.data(), nullptr, 0};

  auto child = clone_child(shared, stack, request.cgroup);
  Fd cgroup_procs;
  if (!child && request.cgroup != nullptr &&
      (child.error().number == EACCES || child.error().number == EPERM)) {
    auto opened = open_at(*request.cgroup, "cgroup.procs", O_WRONLY);
    if (!opened) return std::move(opened).error().within("join cgroup");
    cgroup_procs = std::move(opened).value();
    shared.cgroup_procs = cgroup_procs.get();
    child = clone_child(shared, stack, nullptr);
  }
  if (!child) return child;
  if (shared.error != 0) {
    reap(child.value());
    bool names_cwd = std::string_view(shared.step) == "chdir";
    return sys_error(shared.step, "\"" + (names_cwd ? request.cwd : request.file) + "\"", shared.error);
  }
  return child;
}

}  // namespace lichen
