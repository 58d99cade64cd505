#include "monitor/pod.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "core/mount_api.h"
#include "core/sysctl.h"
#include "monitor/pod_init.h"
#include "monitor/pod_network.h"
#include "monitor/pod_scope.h"

namespace lichen::monitor {

namespace {

constexpr unsigned kShmAttributes = 0x2 | 0x4 | 0x8;  // MOUNT_ATTR_NOSUID, NODEV, NOEXEC
constexpr const char* kShmDirectory = "shm";

}  // namespace

Result<Pod> Pod::create(std::string id, Fd directory) {
  Pod pod;
  pod.id_ = std::move(id);
  std::string link = self_path(directory);
  char path[PATH_MAX];
  ssize_t n = readlink(link.c_str(), path, sizeof path);
  if (n < 0) return sys_error("readlink", link);
  pod.path_.assign(path, static_cast<size_t>(n));
  pod.directory_ = std::move(directory);
  return pod;
}

// The namespaces belong to the pod's user namespace, so that its root may change what is in them. The monitor
// joins them, and stays in the node's user namespace itself.
Status Pod::enter_nested(int more) {
  LICHEN_ASSIGN(NestedNamespaces made, make_nested_namespaces(*setup_.user, more));
  for (const Fd* one : {&made.network, &made.ipc, &made.uts})
    if (*one && setns(one->get(), 0) != 0) return sys_error("setns", "pod namespaces");
  user_ = std::move(made.user);
  return {};
}

Status Pod::make_namespaces(const PodSetup& setup) {
  // Host-network pods stay in the node's UTS namespace unless they ask for a name of their own.
  bool own_uts = setup.own_network || !setup.hostname.empty();
  // The node's end of the veth pair is made through a socket that stays in the node's namespace.
  LICHEN_ASSIGN(Netlink node, open_rtnetlink());
  int flags = (setup.own_network ? CLONE_NEWNET : 0) | (setup.own_ipc ? CLONE_NEWIPC : 0) |
              (own_uts ? CLONE_NEWUTS : 0);
  if (setup.user)
    LICHEN_TRY(enter_nested(flags));
  else if (flags != 0 && unshare(flags) != 0)
    return sys_error("unshare", "pod namespaces");
  if (!setup.hostname.empty() && sethostname(setup.hostname.data(), setup.hostname.size()) != 0)
    return sys_error("sethostname", "\"" + setup.hostname + "\"");
  if (setup.own_network) LICHEN_TRY(set_up_network(node, setup.interface));
  return {};
}

// IPC parameters belong to the namespace's root, and to nobody else who has power over it.
Status Pod::set_sysctls() const {
  auto set = [this]() -> Status {
    for (const auto& [name, value] : setup_.sysctls) LICHEN_TRY(set_sysctl(name, value));
    return {};
  };
  if (setup_.sysctls.empty() || !user_) return set();
  return run_as_namespace_root(user_, set);
}

Status Pod::make_shm(uint64_t size) {
  FsOptions options = {{"mode", "1777"}, {"size", std::to_string(size)}};
  if (setup_.user) {
    options.emplace_back("uid", std::to_string(outer_id(setup_.user->uids, 0)));
    options.emplace_back("gid", std::to_string(outer_id(setup_.user->gids, 0)));
  }
  LICHEN_ASSIGN(shm_, new_mount("tmpfs", "shm", options, kShmAttributes));
  auto copy = clone_mount(shm_, false);
  if (copy || copy.error().number != EINVAL) return copy ? Status() : Status(std::move(copy).error());
  // Before Linux 6.15 only what is attached can be copied: it goes to the pod's directory, in the node's
  // mount table.
  if (mkdirat(directory_.get(), kShmDirectory, 0700) != 0 && errno != EEXIST)
    return sys_error("mkdir", kShmDirectory);
  LICHEN_ASSIGN(Fd target, open_at(directory_, kShmDirectory, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  LICHEN_TRY(attach_mount(shm_, target));
  shm_path_ = path_ + "/" + kShmDirectory;
  return {};
}

Status Pod::set_up(const PodSetup& setup) {
  if (begun_) return plain_error("ALREADY_SET_UP", "set up pod", id_, "namespaces are made once");
  begun_ = true;
  setup_ = setup;
  if (!setup.scope.empty()) LICHEN_TRY(settle_in_scope(setup.scope, id_));
  LICHEN_TRY(make_namespaces(setup));
  LICHEN_TRY(set_sysctls());
  if (setup.own_ipc) LICHEN_TRY(make_shm(setup.shm_size));
  if (setup.shared_pid) {
    LICHEN_ASSIGN(init_, start_pod_init(user_, path_));
  }
  ready_ = true;
  return {};
}

void Pod::tear_down() {
  if (shm_path_.empty()) return;
  umount2(shm_path_.c_str(), MNT_DETACH);
  unlinkat(directory_.get(), kShmDirectory, AT_REMOVEDIR);
}

Result<uint64_t> Pod::network_inode() const {
  struct stat found {};
  if (stat("/proc/self/ns/net", &found) != 0) return sys_error("stat", "/proc/self/ns/net");
  return uint64_t{found.st_ino};
}

MountContext Pod::mount_context(bool node_pid) const {
  MountContext context;
  context.node_pid = node_pid;
  context.node_network = !setup_.own_network;
  context.node_ipc = !setup_.own_ipc;
  context.user = user_ ? &user_ : nullptr;
  context.map = setup_.user ? &*setup_.user : nullptr;
  context.shm = &shm_;
  context.shm_path = setup_.own_ipc ? shm_path_ : "/dev/shm";
  return context;
}

}  // namespace lichen::monitor
