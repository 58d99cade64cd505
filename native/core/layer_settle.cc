#include "core/layer_settle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "core/beneath.h"
#include "core/fd.h"

namespace lichen {

namespace {

constexpr char kOpaque[] = "user.overlay.opaque";

bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == 0; }

bool is_opaque(const Fd& directory) {
  char value = 0;
  // By /proc: the descriptor is an O_PATH one.
  std::string path = self_path(directory);
  return getxattr(path.c_str(), kOpaque, &value, 1) == 1 && value == 'y';
}

// What the layers below show under a path, as overlayfs would merge them.
struct Merged {
  std::vector<Fd> directories;  // topmost first; empty unless it is a directory
  mode_t type = 0;              // S_IFMT part of what is seen, 0 for nothing
};

Result<Merged> step_down(const std::vector<Fd>& holders, const std::string& name) {
  Merged merged;
  for (const Fd& holder : holders) {
    auto status = stat_at(holder, name);
    if (!status) {
      if (status.error().number == ENOENT) continue;
      return std::move(status).error();
    }
    if (!S_ISDIR(status->st_mode)) {
      if (merged.type == 0 && !is_whiteout(status.value())) merged.type = status->st_mode & S_IFMT;
      return merged;
    }
    merged.type = S_IFDIR;
    LICHEN_ASSIGN(Fd directory, open_at(holder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    bool last = is_opaque(directory);
    merged.directories.push_back(std::move(directory));
    if (last) return merged;
  }
  return merged;
}

class Settling {
 public:
  explicit Settling(const LayerSettlement& settlement) : settlement_(settlement) {}

  Status run() {
    LICHEN_ASSIGN(root_, open_at({}, settlement_.directory, O_RDONLY | O_DIRECTORY));
    for (const std::string& path : settlement_.lower) {
      LICHEN_ASSIGN(Fd lower, open_at({}, path, O_PATH | O_DIRECTORY));
      lower_.push_back(std::move(lower));
    }
    for (const std::string& path : settlement_.implied) LICHEN_TRY(adopt(path));
    for (const std::string& path : settlement_.opaque) {
      if (path.empty())
        LICHEN_TRY(hide_everything());
      else
        LICHEN_TRY(mark_opaque(path));
    }
    // Sorted: a directory comes before what is in it, so that it can become opaque first.
    std::vector<std::string> whiteouts = settlement_.whiteouts;
    std::sort(whiteouts.begin(), whiteouts.end());
    for (const std::string& path : whiteouts) LICHEN_TRY(hide(path));
    return {};
  }

 private:
  Result<Merged> look_below(const std::string& path) {
    Merged merged;
    merged.type = S_IFDIR;
    for (const Fd& lower : lower_) {
      LICHEN_ASSIGN(Fd copy, lower.duplicate());
      merged.directories.push_back(std::move(copy));
    }
    for (size_t at = 0; at < path.size();) {
      size_t end = std::min(path.find('/', at), path.size());
      LICHEN_ASSIGN(merged, step_down(merged.directories, path.substr(at, end - at)));
      at = end + 1;
    }
    return merged;
  }

  // The attributes of the directory below, for one that the layer's archive does not describe.
  Status adopt(const std::string& path) {
    LICHEN_ASSIGN(Merged below, look_below(path));
    if (below.type == S_IFLNK)
      return plain_error("SYMLINK_BELOW", "enter", quoted(path), "a layer below has a symbolic link there");
    if (below.directories.empty()) return {};
    struct stat like {};
    if (fstat(below.directories.front().get(), &like) != 0) return sys_error("fstat", quoted(path));
    LICHEN_ASSIGN(Fd directory, open_beneath(root_, path, O_RDONLY | O_DIRECTORY));
    bool foreign = !settlement_.single_owner && (like.st_uid != 0 || like.st_gid != 0);
    if (foreign && fchown(directory.get(), like.st_uid, like.st_gid) != 0)
      return sys_error("fchown", quoted(path));
    if (fchmod(directory.get(), like.st_mode & 07777) != 0) return sys_error("fchmod", quoted(path));
    const timespec times[2] = {like.st_mtim, like.st_mtim};
    if (futimens(directory.get(), times) != 0) return sys_error("futimens", quoted(path));
    return {};
  }

  bool inside_opaque(const std::string& path) const {
    for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (opaque_.contains(path.substr(0, slash))) return true;
    return false;
  }

  Status mark_opaque(const std::string& path) {
    auto directory = open_beneath(root_, path, O_RDONLY | O_DIRECTORY);
    if (!directory) return replaced_later(std::move(directory).error());
    opaque_.insert(path);
    if (fsetxattr(directory->get(), kOpaque, "y", 1, 0) != 0)
      return sys_error("fsetxattr", quoted(path) + " " + kOpaque);
    return {};
  }

  // A later entry of the archive put something else in the place of the directory: nothing is left to hide
  // there.
  static Status replaced_later(Error error) {
    if (error.number == ENOENT || error.number == ENOTDIR || error.number == ELOOP) return {};
    return error;
  }

  // overlayfs always merges the roots of the layers, opaque or not, so each name there is hidden by itself.
  Status hide_everything() {
    for (const Fd& lower : lower_) {
      LICHEN_ASSIGN(std::vector<std::string> names, list_names(lower));
      for (const std::string& name : names) LICHEN_TRY(hide(name));
    }
    return {};
  }

  Status hide(const std::string& path) {
    if (inside_opaque(path) || opaque_.contains(path)) return {};
    LICHEN_ASSIGN(Merged below, look_below(path));
    if (below.type == 0) return {};
    SplitPath split = split_path(path);
    auto opened = open_beneath(root_, split.parent, O_RDONLY | O_DIRECTORY);
    if (!opened) return replaced_later(std::move(opened).error());
    Fd parent = std::move(opened).value();
    auto own = stat_at(parent, split.name);
    if (own) {
      if (S_ISDIR(own->st_mode)) return mark_opaque(path);
      return {};
    }
    struct stat before {};
    if (fstat(parent.get(), &before) != 0) return sys_error("fstat", quoted(split.parent));
    if (mknodat(parent.get(), split.name.c_str(), S_IFCHR, makedev(0, 0)) != 0)
      return sys_error("mknodat", quoted(path) + " (whiteout)");
    const timespec times[2] = {before.st_mtim, before.st_mtim};
    if (futimens(parent.get(), times) != 0) return sys_error("futimens", quoted(split.parent));
    return {};
  }

  const LayerSettlement& settlement_;
  Fd root_;
  std::vector<Fd> lower_;
  std::set<std::string> opaque_;
};

}  // namespace

Status settle_layer(const LayerSettlement& settlement) { return Settling(settlement).run(); }

}  // namespace lichen
