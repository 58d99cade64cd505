#include "launcher/namespaces.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace lichen::launcher {

namespace {

Result<Fd> open_one(pid_t pid, const char* name) {
  return open_at({}, "/proc/" + std::to_string(pid) + "/ns/" + name, O_RDONLY);
}

Result<uint64_t> inode(const Fd& fd) {
  struct stat status;
  if (fstat(fd.get(), &status) != 0) return sys_error("fstat", "(namespace)");
  return uint64_t{status.st_ino};
}

Status enter_one(const Fd& fd, int type, const char* name) {
  if (setns(fd.get(), type) != 0) return sys_error("join namespace", name);
  return {};
}

}  // namespace

Result<Namespaces> open_namespaces(pid_t pid) {
  LICHEN_ASSIGN(Fd user, open_one(pid, "user"));
  LICHEN_ASSIGN(Fd mount, open_one(pid, "mnt"));
  LICHEN_ASSIGN(Fd network, open_one(pid, "net"));
  LICHEN_ASSIGN(Fd cgroup, open_one(pid, "cgroup"));
  return Namespaces{std::move(user), std::move(mount), std::move(network), std::move(cgroup)};
}

Result<NamespaceIds> identify(const Namespaces& namespaces) {
  NamespaceIds ids;
  LICHEN_ASSIGN(ids.user, inode(namespaces.user));
  LICHEN_ASSIGN(ids.mount, inode(namespaces.mount));
  LICHEN_ASSIGN(ids.network, inode(namespaces.network));
  LICHEN_ASSIGN(ids.cgroup, inode(namespaces.cgroup));
  return ids;
}

Result<NamespaceIds> identify_namespaces(pid_t pid) {
  LICHEN_ASSIGN(Namespaces namespaces, open_namespaces(pid));
  return identify(namespaces);
}

Result<uid_t> owner_of_user_namespace(const Fd& user) {
  uid_t owner = 0;
  if (ioctl(user.get(), NS_GET_OWNER_UID, &owner) != 0) return sys_error("ioctl(NS_GET_OWNER_UID)");
  return owner;
}

Status join(const Namespaces& namespaces) {
  LICHEN_TRY(enter_one(namespaces.user, CLONE_NEWUSER, "user"));
  LICHEN_TRY(enter_one(namespaces.cgroup, CLONE_NEWCGROUP, "cgroup"));
  LICHEN_TRY(enter_one(namespaces.network, CLONE_NEWNET, "network"));
  LICHEN_TRY(enter_one(namespaces.mount, CLONE_NEWNS, "mount"));
  // EPERM: the map is single, setgroups is off.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return sys_error("setgroups");
  return {};
}

Result<Holder> Holder::start(const Namespaces& namespaces) {
  LICHEN_ASSIGN(Pipe joined, make_pipe());
  pid_t parent = getpid();
  pid_t child = fork();
  if (child < 0) return sys_error("fork");
  if (child == 0) {
    if (!join(namespaces)) _exit(1);
    die_with_parent(parent, SIGKILL);
    if (write(joined.write.get(), "+", 1) != 1) _exit(1);
    for (;;) pause();
  }
  Holder holder(child);
  joined.write.reset();
  char byte;
  ssize_t n;
  do n = read(joined.read.get(), &byte, 1);
  while (n < 0 && errno == EINTR);
  if (n != 1) return plain_error("JOIN_FAILED", "join namespace", "(holder)", "the child gave up");
  return holder;
}

Holder::~Holder() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void die_with_parent(pid_t parent, int signal) {
  prctl(PR_SET_PDEATHSIG, signal);
  if (getppid() != parent) _exit(1);
}

}  // namespace lichen::launcher
