#include "core/layer_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "core/beneath.h"

namespace lichen {

namespace {

constexpr mode_t kPermissions = 07777;

// What an entry below a path has as the beginning of its own.
bool lies_in(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/';
}

// Drops `path` and everything below it from an ordered set or map of paths.
template <class Paths>
void forget(Paths& paths, const std::string& path) {
  paths.erase(path);
  auto at = paths.lower_bound(path + "/");
  while (at != paths.end()) {
    if constexpr (requires { at->first; }) {
      if (!lies_in(at->first, path)) return;
    } else {
      if (!lies_in(*at, path)) return;
    }
    at = paths.erase(at);
  }
}

// An attribute that the file system or the kernel does not take from us is no reason to refuse a layer.
bool tolerable(int number) { return number == EPERM || number == EOPNOTSUPP || number == EINVAL; }

}  // namespace

Result<LayerWriter> LayerWriter::open(const std::string& directory, bool single_owner) {
  LICHEN_ASSIGN(Fd root, open_at({}, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return LayerWriter(std::move(root), single_owner);
}

Status LayerWriter::open_directory(const std::string& path) {
  auto found = open_beneath(root_, path, O_PATH | O_DIRECTORY);
  if (!found) {
    Error error = std::move(found).error();
    if (error.number == ELOOP)
      return plain_error("PATH_THROUGH_SYMLINK", "enter", quoted(path),
                         "a part of the path is a symbolic link");
    if (error.number == ENOTDIR)
      return plain_error("PATH_THROUGH_FILE", "enter", quoted(path), "a part of the path is not a directory");
    if (error.number != ENOENT) return error;
    SplitPath split = split_path(path);
    LICHEN_TRY(open_directory(split.parent));
    if (mkdirat(parent_.get(), split.name.c_str(), 0700) != 0) return sys_error("mkdirat", quoted(path));
    summary_.inodes++;
    implied_.insert(path);
    found = open_beneath(root_, path, O_PATH | O_DIRECTORY);
    if (!found) return std::move(found).error();
  }
  parent_ = std::move(found).value();
  parent_path_ = path;
  return {};
}

Status LayerWriter::enter_parent(const std::string& path) {
  SplitPath split = split_path(path);
  if (!parent_ || split.parent != parent_path_) LICHEN_TRY(open_directory(split.parent));
  name_ = std::move(split.name);
  return {};
}

Status LayerWriter::remove_existing(const std::string& path) {
  LICHEN_TRY(remove_tree_at(parent_, name_));
  forget(directories_, path);
  forget(implied_, path);
  return {};
}

template <class Make>
Status LayerWriter::make_entry(const char* operation, const std::string& path, Make make) {
  if (make() != 0) {
    if (errno != EEXIST) return sys_error(operation, quoted(path));
    LICHEN_TRY(remove_existing(path));
    if (make() != 0) return sys_error(operation, quoted(path));
  }
  summary_.inodes++;
  return {};
}

Status LayerWriter::directory(const std::string& path, Attributes attributes) {
  if (!path.empty()) {
    LICHEN_TRY(enter_parent(path));
    if (mkdirat(parent_.get(), name_.c_str(), 0700) == 0) {
      summary_.inodes++;
    } else {
      if (errno != EEXIST) return sys_error("mkdirat", quoted(path));
      LICHEN_ASSIGN(struct stat present, stat_at(parent_, name_));
      if (!S_ISDIR(present.st_mode))
        LICHEN_TRY(make_entry("mkdirat", path, [&] { return mkdirat(parent_.get(), name_.c_str(), 0700); }));
    }
  }
  implied_.erase(path);
  directories_[path] = std::move(attributes);
  return {};
}

Status LayerWriter::begin_file(const std::string& path, Attributes attributes) {
  LICHEN_TRY(enter_parent(path));
  LICHEN_TRY(make_entry("create", path, [&] {
    file_ =
        Fd(openat(parent_.get(), name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file_ ? 0 : -1;
  }));
  file_path_ = path;
  file_attributes_ = std::move(attributes);
  return {};
}

Status LayerWriter::append(const void* data, size_t size) {
  auto written = write_all(file_, data, size);
  if (!written) return sys_error("write", quoted(file_path_), written.error().number);
  summary_.bytes += size;
  return {};
}

Status LayerWriter::end_file() {
  LICHEN_TRY(apply(file_, file_path_, file_attributes_));
  auto closed = file_.close();
  if (!closed) return sys_error("close", quoted(file_path_), closed.error().number);
  return {};
}

Status LayerWriter::symlink(const std::string& path, const std::string& target,
                            const Attributes& attributes) {
  LICHEN_TRY(enter_parent(path));
  LICHEN_TRY(
      make_entry("symlinkat", path, [&] { return symlinkat(target.c_str(), parent_.get(), name_.c_str()); }));
  return apply_by_name(path, attributes, false);
}

Status LayerWriter::fifo(const std::string& path, Attributes attributes) {
  LICHEN_TRY(enter_parent(path));
  LICHEN_TRY(
      make_entry("mknodat", path, [&] { return mknodat(parent_.get(), name_.c_str(), S_IFIFO | 0600, 0); }));
  return apply_by_name(path, attributes, true);
}

Status LayerWriter::hard_link(const std::string& path, const std::string& target) {
  HardLink link{path, target};
  LICHEN_ASSIGN(bool made, try_hard_link(link));
  if (!made) pending_links_.push_back(std::move(link));
  return {};
}

Status LayerWriter::whiteout(const std::string& path) {
  LICHEN_TRY(enter_parent(path));
  summary_.whiteouts.push_back(path);
  return {};
}

Status LayerWriter::opaque(const std::string& path) {
  LICHEN_TRY(open_directory(path));
  summary_.opaque.push_back(path);
  return {};
}

Result<bool> LayerWriter::try_hard_link(const HardLink& link) {
  SplitPath target = split_path(link.target);
  auto holder = open_beneath(root_, target.parent, O_PATH | O_DIRECTORY);
  if (!holder) {
    if (holder.error().number == ENOENT) return false;
    return plain_error(holder.error().number == ELOOP ? "PATH_THROUGH_SYMLINK" : "PATH_THROUGH_FILE",
                       "hard link to", quoted(link.target), "a part of the path is not a directory");
  }
  auto source = stat_at(holder.value(), target.name);
  if (!source) {
    if (source.error().number == ENOENT) return false;
    return std::move(source).error();
  }
  LICHEN_TRY(enter_parent(link.path));
  auto present = stat_at(parent_, name_);
  if (present && present->st_ino == source->st_ino && present->st_dev == source->st_dev) return true;
  if (present) LICHEN_TRY(remove_existing(link.path));
  if (linkat(holder->get(), target.name.c_str(), parent_.get(), name_.c_str(), 0) != 0)
    return sys_error("linkat", quoted(link.path) + " to " + quoted(link.target));
  return true;
}

Status LayerWriter::owner_error(const std::string& path, const Attributes& attributes) {
  std::string object =
      quoted(path) + " to " + std::to_string(attributes.uid) + ":" + std::to_string(attributes.gid);
  if (errno == EINVAL)
    return plain_error("ID_OUTSIDE_MAP", "chown", object, "the user namespace of this node maps no such id");
  return sys_error("chown", object);
}

Status LayerWriter::apply(const Fd& file, const std::string& path, const Attributes& attributes) {
  bool foreign = !single_owner_ && (attributes.uid != 0 || attributes.gid != 0);
  if (foreign && fchown(file.get(), attributes.uid, attributes.gid) != 0)
    return owner_error(path, attributes);
  for (const ExtendedAttribute& xattr : attributes.xattrs) {
    if (fsetxattr(file.get(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) == 0) continue;
    if (!tolerable(errno)) return sys_error("fsetxattr", quoted(path) + " " + xattr.name);
    summary_.refused_xattrs++;
  }
  // After fchown, which clears setuid and setgid.
  if (fchmod(file.get(), attributes.mode & kPermissions) != 0) return sys_error("fchmod", quoted(path));
  const timespec times[2] = {attributes.modified, attributes.modified};
  if (futimens(file.get(), times) != 0) return sys_error("futimens", quoted(path));
  return {};
}

Status LayerWriter::apply_by_name(const std::string& path, const Attributes& attributes, bool with_mode) {
  bool foreign = !single_owner_ && (attributes.uid != 0 || attributes.gid != 0);
  if (foreign &&
      fchownat(parent_.get(), name_.c_str(), attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return owner_error(path, attributes);
  // The kernel has user.* only on regular files and directories, and capabilities only on regular files.
  summary_.refused_xattrs += attributes.xattrs.size();
  if (with_mode && fchmodat(parent_.get(), name_.c_str(), attributes.mode & kPermissions, 0) != 0)
    return sys_error("fchmodat", quoted(path));
  const timespec times[2] = {attributes.modified, attributes.modified};
  if (utimensat(parent_.get(), name_.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("utimensat", quoted(path));
  return {};
}

Result<LayerSummary> LayerWriter::finish() {
  // A link may name another pending link, so go round as long as that helps.
  for (size_t before = 0; !pending_links_.empty() && pending_links_.size() != before;) {
    before = pending_links_.size();
    std::vector<HardLink> waiting = std::move(pending_links_);
    pending_links_.clear();
    for (HardLink& link : waiting) {
      LICHEN_ASSIGN(bool made, try_hard_link(link));
      if (!made) pending_links_.push_back(std::move(link));
    }
  }
  if (!pending_links_.empty())
    return plain_error("HARD_LINK_WITHOUT_TARGET", "link", quoted(pending_links_.front().path),
                       "its target " + quoted(pending_links_.front().target) + " is not in this layer");

  for (const std::string& path : implied_) {
    LICHEN_ASSIGN(Fd directory, open_beneath(root_, path, O_RDONLY | O_DIRECTORY));
    if (fchmod(directory.get(), 0755) != 0) return sys_error("fchmod", quoted(path));
    summary_.implied.push_back(path);
  }
  for (const auto& [path, attributes] : directories_) {
    LICHEN_ASSIGN(Fd directory, open_beneath(root_, path, O_RDONLY | O_DIRECTORY));
    LICHEN_TRY(apply(directory, path, attributes));
  }
  return std::move(summary_);
}

}  // namespace lichen
