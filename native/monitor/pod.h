// The pod: its namespaces, which the monitor itself lives in, its shared memory and its init.
#pragma once

#include <sys/types.h>

#include <string>

#include "core/child_process.h"
#include "core/fd.h"
#include "monitor/container_mounts.h"
#include "monitor/pod_setup.h"

namespace lichen::monitor {

class Pod {
 public:
  // `directory`: the pod's runtime directory.
  static Result<Pod> create(std::string id, Fd directory);

  // Moves the monitor into the pod's namespaces and furnishes them. What fails halfway ends with the monitor:
  // the daemon shuts it down. Code ALREADY_SET_UP the second time.
  Status set_up(const PodSetup& setup);
  // Takes back what would outlive the monitor.
  void tear_down();

  const std::string& id() const { return id_; }
  const Fd& directory() const { return directory_; }
  // The directory's path as the node sees it.
  const std::string& path() const { return path_; }
  bool ready() const { return ready_; }
  bool own_network() const { return setup_.own_network; }
  pid_t init_pid() const { return init_.pid; }
  const Fd& init_pidfd() const { return init_.pidfd; }
  // The pod's own user namespace, in which its containers are born; empty: they are in the node's.
  const Fd& user_namespace() const { return user_; }
  // Ids of the node that ids of a container are.
  uid_t node_uid(uid_t uid) const { return setup_.user ? outer_id(setup_.user->uids, uid) : uid; }
  // PID 1 of the shared namespace has been reaped; the kernel has killed everything in it.
  void init_gone() { init_ = {}; }
  // Inode number of the network namespace that the monitor is in.
  Result<uint64_t> network_inode() const;
  // What a container's mounts need to know of the pod.
  MountContext mount_context(bool node_pid) const;

 private:
  Pod() = default;
  Status make_namespaces(const PodSetup& setup);
  Status enter_nested(int more);
  Status set_sysctls() const;
  Status make_shm(uint64_t size);

  std::string id_;
  Fd directory_;
  std::string path_;
  PodSetup setup_;
  bool begun_ = false;
  bool ready_ = false;
  Fd user_;
  Fd shm_;
  std::string shm_path_;
  ChildProcess init_;
};

}  // namespace lichen::monitor
