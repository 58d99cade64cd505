#include "core/mount_part.h"

#include <fcntl.h>
#include <sys/mount.h>

#include "core/mount_api.h"
#include "core/root_path.h"

namespace lichen {

namespace {

Result<Fd> copy_part(const Fd& whole, const std::string& path) {
  auto found = open_in_root(whole, path, O_PATH);
  if (!found) return std::move(found).error();
  return clone_mount(found.value(), false);
}

}  // namespace

Result<Fd> part_of_mount(const Fd& whole, const std::string& path, const std::string& place) {
  LICHEN_ASSIGN(Fd target, open_at(Fd(), place, O_PATH | O_DIRECTORY));
  LICHEN_TRY(attach_mount(whole, target));
  auto part = copy_part(whole, path);
  if (umount2(place.c_str(), MNT_DETACH) != 0) return sys_error("umount2", "\"" + place + "\"");
  return part;
}

}  // namespace lichen
