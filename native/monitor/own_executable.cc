#include "monitor/own_executable.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/mount_api.h"

namespace lichen::monitor {

Status protect_own_executable(char** argv) {
  struct statvfs place {};
  if (statvfs("/proc/self/exe", &place) != 0) return sys_error("statvfs", "/proc/self/exe");
  if (place.f_flag & ST_RDONLY) return {};
  LICHEN_ASSIGN(Fd copy, clone_mount(Fd(), "/proc/self/exe", false));
  LICHEN_TRY(change_mount(copy, MOUNT_ATTR_RDONLY, 0, 0, false));
  execveat(copy.get(), "", argv, environ, AT_EMPTY_PATH);
  return sys_error("execveat", "/proc/self/exe");
}

}  // namespace lichen::monitor
