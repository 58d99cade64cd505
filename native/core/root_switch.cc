#include "core/root_switch.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/mount_api.h"

namespace lichen {

Status isolate_mounts() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return sys_error("mount", "/ (rprivate)");
  return {};
}

Status attach_root(const Fd& root, const std::string& place) {
  LICHEN_ASSIGN(Fd target, open_at(Fd(), place, O_PATH | O_DIRECTORY));
  if (auto done = attach_mount(root, target); !done)
    return std::move(done).error().within("root file system");
  return {};
}

Status switch_root(const Fd& root) {
  if (fchdir(root.get()) != 0) return sys_error("fchdir", "root file system");
  if (syscall(SYS_pivot_root, ".", ".") != 0) return sys_error("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return sys_error("umount2", "old root");
  if (chdir("/") != 0) return sys_error("chdir", "/");
  return {};
}

}  // namespace lichen
