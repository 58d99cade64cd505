// The node's namespaces as descriptors: they live as long as somebody holds them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/fd.h"

namespace lichen::launcher {

// Inode numbers of /proc/PID/ns/*: which namespace it is.
struct NamespaceIds {
  uint64_t user = 0;
  uint64_t mount = 0;
  uint64_t network = 0;
  uint64_t cgroup = 0;

  bool operator==(const NamespaceIds&) const = default;
};

struct Namespaces {
  Fd user;
  Fd mount;
  Fd network;
  Fd cgroup;
};

// The namespaces of a process. The caller must own its user namespace, or be in it.
Result<Namespaces> open_namespaces(pid_t pid);

// Only the inode numbers.
Result<NamespaceIds> identify_namespaces(pid_t pid);
Result<NamespaceIds> identify(const Namespaces& namespaces);

// Uid (as the caller sees it) that made the user namespace (ioctl_ns(2), NS_GET_OWNER_UID).
Result<uid_t> owner_of_user_namespace(const Fd& user);

// Moves the calling process, which must have one thread only, into the namespaces. It is uid 0 with every
// capability there; its working directory is the root. Supplementary groups of the host are dropped where the
// namespace lets us (not with a single-id map).
Status join(const Namespaces& namespaces);

// A sleeping process inside the namespaces, for programs that find them by PID (pasta, slirp4netns). Ends
// with this object.
class Holder {
 public:
  static Result<Holder> start(const Namespaces& namespaces);
  // Takes over a child that is there already.
  explicit Holder(pid_t pid) : pid_(pid) {}
  Holder(Holder&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Holder(const Holder&) = delete;
  Holder& operator=(Holder&&) = delete;
  ~Holder();

  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

// Kills the calling process with `signal` when `parent` dies; at once, by _exit, when it is dead already.
// Joining namespaces clears the setting (prctl(2), PR_SET_PDEATHSIG), so this comes after.
void die_with_parent(pid_t parent, int signal);

}  // namespace lichen::launcher
