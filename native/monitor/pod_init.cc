#include "monitor/pod_init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/capabilities.h"
#include "core/idle_memory.h"
#include "core/mount_api.h"
#include "core/root_switch.h"
#include "core/user_namespace.h"
#include "monitor/child_report.h"

namespace lichen::monitor {

namespace {

constexpr unsigned kEmptyRoot = 0x1 | 0x2 | 0x4 | 0x8;  // MOUNT_ATTR_RDONLY, NOSUID, NODEV, NOEXEC

// Containers see this process and could reach the node's files through its root directory, so it has an empty
// one.
Status become_init(const Fd& executable, bool nested, const std::string& place) {
  if (nested) LICHEN_TRY(become_namespace_root());
  LICHEN_ASSIGN(Fd root, new_mount("tmpfs", "tmpfs", {{"size", "4k"}}, kEmptyRoot));
  LICHEN_TRY(isolate_mounts());
  LICHEN_TRY(attach_root(root, nested ? "/" : place));
  LICHEN_TRY(switch_root(root));
  LICHEN_TRY(limit_bounding_set(0));
  LICHEN_TRY(set_capabilities({}, 0));
  LICHEN_TRY(die_with_parent());
  char name[] = "lichen-monitor", mode[] = "init";
  char* args[] = {name, mode, nullptr};
  char* environment[] = {nullptr};
  execveat(executable.get(), "", args, environment, AT_EMPTY_PATH);
  return sys_error("execveat", "init");
}

}  // namespace

Result<ChildProcess> start_pod_init(const Fd& user, const std::string& place) {
  LICHEN_ASSIGN(Fd executable, open_at(Fd(), "/proc/self/exe", O_PATH));
  LICHEN_ASSIGN(SocketPair channel, make_packet_pair());
  LICHEN_ASSIGN(ChildProcess child, clone_process_joining({user, Fd()}, CLONE_NEWPID | CLONE_NEWNS, Fd()));
  if (child.pid == 0) {
    reset_signals();
    close_all_but({&executable, &channel.second});
    setsid();
    auto failed = become_init(executable, bool(user), place);
    report_failure(channel.second, failed.error(), 126);
  }
  channel.second.reset();
  LICHEN_ASSIGN(std::optional<Packet> packet, receive_packet(channel.first));
  if (!packet) return child;  // closed by its execve
  LICHEN_ASSIGN(ChildReport report, read_report(std::move(*packet)));
  waitpid(child.pid, nullptr, 0);
  return std::move(*report.error).within("start the pod's init");
}

void run_pod_init() {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  prctl(PR_SET_NAME, "lichen-init", 0, 0, 0);
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  sigprocmask(SIG_BLOCK, &children, nullptr);
  for (;;) {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    give_memory_back();
    sigwaitinfo(&children, nullptr);
  }
}

}  // namespace lichen::monitor
