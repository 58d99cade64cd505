#include "launcher/rejoin.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace lichen::launcher {

namespace {

constexpr int kDaemonPatienceMs = 5000;
constexpr int kDyingPatienceMs = 500;

Result<uint64_t> inode_of(const Fd& fd) {
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return sys_error("fstat");
  return uint64_t{status.st_ino};
}

// A namespace of the node's as seen by `pid`, which may itself be in a pod's: through the mount that
// set_up_node() made in the node's mount namespace.
Status open_bound(pid_t pid, const std::string& file, Fd& namespace_fd, uint64_t& id) {
  LICHEN_ASSIGN(namespace_fd, open_at({}, "/proc/" + std::to_string(pid) + "/root" + file, O_RDONLY));
  LICHEN_ASSIGN(id, inode_of(namespace_fd));
  return {};
}

Result<Namespaces> open_node(const ProcessIdentity& process, const NamespaceIds& wanted,
                             const RuntimeDirectory& directory) {
  auto elsewhere = [&] {
    return plain_error("CANNOT_REJOIN", "rejoin namespaces", "of process " + std::to_string(process.pid),
                       "they are not the ones that node.json names");
  };
  LICHEN_ASSIGN(Namespaces namespaces, open_namespaces(process.pid));
  LICHEN_ASSIGN(NamespaceIds ids, identify(namespaces));
  if (ids.network != wanted.network)
    LICHEN_TRY(open_bound(process.pid, directory.file("netns"), namespaces.network, ids.network));
  if (ids.cgroup != wanted.cgroup)
    LICHEN_TRY(open_bound(process.pid, directory.file("cgroupns"), namespaces.cgroup, ids.cgroup));
  if (ids != wanted) return elsewhere();
  LICHEN_ASSIGN(uid_t owner, owner_of_user_namespace(namespaces.user));
  if (owner != geteuid()) return elsewhere();
  // Still the process that the PID file meant: the descriptors are its namespaces, then.
  LICHEN_TRY(open_process(process));
  return namespaces;
}

Result<IdMapping> read_id_mapping(pid_t pid) {
  std::string directory = "/proc/" + std::to_string(pid);
  LICHEN_ASSIGN(std::string uids, read_file(directory + "/uid_map"));
  LICHEN_ASSIGN(std::string gids, read_file(directory + "/gid_map"));
  IdMapping mapping{false, parse_id_map(uids), parse_id_map(gids)};
  mapping.single = mapped_ids(mapping.uids) <= 1;
  return mapping;
}

Result<NodeInfo> read_node_info(const RuntimeDirectory& directory) {
  LICHEN_ASSIGN(std::string text, read_file(directory.file("node.json")));
  return parse_node_info(text);
}

// A daemon follows its killed launcher: it may be looked at while it dies, when its namespaces have gone
// already.
bool is_dying(const ProcessIdentity& process) {
  auto pidfd = open_process(process);
  if (!pidfd) return true;
  pollfd end{pidfd->get(), POLLIN, 0};
  return poll(&end, 1, kDyingPatienceMs) > 0;
}

void end_process(const ProcessIdentity& process, int patience_ms) {
  auto pidfd = open_process(process);
  if (!pidfd) return;
  for (int signal : {SIGTERM, SIGKILL}) {
    syscall(SYS_pidfd_send_signal, pidfd->get(), signal, nullptr, 0);
    pollfd end{pidfd->get(), POLLIN, 0};
    if (poll(&end, 1, patience_ms) > 0) return;
  }
}

// A launcher that ends without pods takes the node's files along. A monitor that comes to light afterwards
// belongs to a pod that was being made when its daemon died: nobody was ever told of it.
bool was_left(const RuntimeDirectory& directory) {
  return access(directory.file("node.json").c_str(), F_OK) != 0 && errno == ENOENT &&
         access(directory.file("netns").c_str(), F_OK) != 0 && errno == ENOENT;
}

void kill_all(const std::vector<ProcessIdentity>& processes) {
  for (const ProcessIdentity& process : processes) {
    auto pidfd = open_process(process);
    if (!pidfd) continue;
    syscall(SYS_pidfd_send_signal, pidfd->get(), SIGKILL, nullptr, 0);
    pollfd end{pidfd->get(), POLLIN, 0};
    poll(&end, 1, kDyingPatienceMs);
  }
}

}  // namespace

Result<std::optional<Survivor>> find_survivor(const RuntimeDirectory& directory) {
  std::vector<ProcessIdentity> candidates = live_monitors(directory.path());
  auto daemon = read_live_pid(directory.file("daemon.pid"));
  if (!daemon && was_left(directory)) {
    kill_all(candidates);
    return std::optional<Survivor>();
  }
  if (daemon) candidates.insert(candidates.begin(), *daemon);
  if (candidates.empty()) return std::optional<Survivor>();

  auto info = read_node_info(directory);
  if (!info) return std::move(info).error().within("rejoin the living pods of \"" + directory.path() + "\"");
  std::optional<Error> failure;
  for (const ProcessIdentity& process : candidates) {
    auto namespaces = open_node(process, info->namespaces, directory);
    auto ids = namespaces ? read_id_mapping(process.pid) : Result<IdMapping>(namespaces.error());
    if (!ids) {
      if (!is_dying(process)) failure = std::move(ids).error();
      continue;
    }
    Survivor survivor{std::move(namespaces).value(), std::move(info).value()};
    survivor.info.ids = std::move(ids).value();
    return std::optional<Survivor>(std::move(survivor));
  }
  if (failure) return std::move(*failure);
  return std::optional<Survivor>();
}

void end_leftover_daemon(const RuntimeDirectory& directory) {
  if (auto daemon = read_live_pid(directory.file("daemon.pid"))) end_process(*daemon, kDaemonPatienceMs);
  directory.remove("daemon.pid");
}

void end_leftover_uplink(const RuntimeDirectory& directory) {
  if (auto uplink = read_live_pid(directory.file("uplink.pid"))) end_process(*uplink, 1000);
  directory.remove("uplink.pid");
}

}  // namespace lichen::launcher
