#include "core/proc_paths.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "core/mount_api.h"
#include "core/root_path.h"

namespace lichen {

namespace {

// The path's descriptor, or nothing when there is nothing.
Result<std::optional<Fd>> find(const Fd& root, const std::string& path) {
  auto found = open_in_root(root, path, O_PATH);
  if (found) return std::optional<Fd>(std::move(found).value());
  if (found.error().number == ENOENT || found.error().number == ENOTDIR) return std::optional<Fd>();
  return std::move(found).error();
}

Status within_path(Status done, const char* what, const std::string& path) {
  if (done) return done;
  return std::move(done).error().within(std::string(what) + " \"" + path + "\"");
}

// One mount serves every path: the first attaches it, the others copy it from there. A mount that is attached
// nowhere could be copied only by Linux 6.15 and later.
class Cover {
 public:
  explicit Cover(Fd mount) : mount_(std::move(mount)) {}
  Status put(const Fd& target) {
    if (!attached_) {
      attached_ = true;
      return attach_mount(mount_, target);
    }
    LICHEN_ASSIGN(Fd copy, clone_mount(mount_, false));
    return attach_mount(copy, target);
  }

 private:
  Fd mount_;
  bool attached_ = false;
};

}  // namespace

Status mask_paths(const Fd& root, const std::vector<std::string>& paths, Fd null_device) {
  Cover file(std::move(null_device));
  std::optional<Cover> directory;
  for (const std::string& path : paths) {
    LICHEN_ASSIGN(std::optional<Fd> target, find(root, path));
    if (!target) continue;
    struct stat found {};
    if (fstat(target->get(), &found) != 0) return sys_error("fstat", "\"" + path + "\"");
    if (S_ISDIR(found.st_mode) && !directory) {
      LICHEN_ASSIGN(Fd empty,
                    new_mount("tmpfs", "tmpfs", {{"mode", "0755"}, {"size", "4k"}},
                              MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
      directory.emplace(std::move(empty));
    }
    Cover& cover = S_ISDIR(found.st_mode) ? *directory : file;
    LICHEN_TRY(within_path(cover.put(*target), "mask", path));
  }
  return {};
}

Status make_paths_readonly(const Fd& root, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    LICHEN_ASSIGN(std::optional<Fd> target, find(root, path));
    if (!target) continue;
    auto copy = clone_mount(*target, true);
    if (!copy) return std::move(copy).error().within("make read-only \"" + path + "\"");
    LICHEN_TRY(
        within_path(change_mount(*copy.operator->(), MOUNT_ATTR_RDONLY, 0, 0, true), "make read-only", path));
    LICHEN_TRY(within_path(attach_mount(*copy.operator->(), *target), "make read-only", path));
  }
  return {};
}

}  // namespace lichen
