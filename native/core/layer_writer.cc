#include "core/layer_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "core/beneath.h"

namespace lichen {

namespace {

// Names that have to be kept until the end of a layer may take so much: more than a hundred thousand of them.
constexpr size_t kRetainedBytes = 16 << 20;
constexpr size_t kOverheadBytes = 64;

// What an entry below a path has as the beginning of its own.
bool lies_in(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() && path.compare(0, directory.size(), directory) == 0 &&
         path[directory.size()] == '/';
}

// Drops `path` and everything below it from an ordered set of paths.
void forget(std::set<std::string>& paths, const std::string& path) {
  paths.erase(path);
  auto at = paths.lower_bound(path + "/");
  while (at != paths.end() && lies_in(*at, path)) at = paths.erase(at);
}

// The umask of this process; umask(2) itself could only be asked by changing it for all threads.
mode_t present_umask() {
  auto status = read_file("/proc/self/status");
  if (!status) return 0777;
  size_t at = status->find("\nUmask:");
  return at == std::string::npos ? 0777 : static_cast<mode_t>(strtoul(status->c_str() + at + 7, nullptr, 8));
}

}  // namespace

LayerWriter::LayerWriter(Fd root, bool single_owner)
    : root_owner_(std::make_unique<Fd>(std::move(root))),
      root_(*root_owner_),
      rules_{single_owner, present_umask()},
      finisher_(std::make_unique<LayerFinisher>(rules_)),
      directories_(root_) {}

Result<LayerWriter> LayerWriter::open(const std::string& directory, bool single_owner) {
  LICHEN_ASSIGN(Fd root, open_at({}, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return LayerWriter(std::move(root), single_owner);
}

Status LayerWriter::retain(const std::string& name) {
  retained_ += name.size() + kOverheadBytes;
  if (retained_ + directories_.retained() <= kRetainedBytes) return {};
  return plain_error(
      "TOO_MANY_NAMES", "unpack entry", quoted(name),
      "the layer has too many whiteouts, early hard links, replaced directories and directories "
      "that no entry describes");
}

Status LayerWriter::open_directory(const std::string& path, const std::string& entry) {
  auto found = open_beneath(root_, path, O_PATH | O_DIRECTORY);
  if (!found) {
    Error error = std::move(found).error();
    if (error.number == ELOOP)
      return plain_error("PATH_THROUGH_SYMLINK", "unpack entry", quoted(entry),
                         "a part of its path " + quoted(path) + " is a symbolic link");
    if (error.number == ENOTDIR)
      return plain_error("PATH_THROUGH_FILE", "unpack entry", quoted(entry),
                         "a part of its path " + quoted(path) + " is not a directory");
    if (error.number != ENOENT) return error;
    SplitPath split = split_path(path);
    LICHEN_TRY(open_directory(split.parent, entry));
    if (mkdirat(parent_.get(), split.name.c_str(), 0700) != 0) return sys_error("mkdirat", quoted(path));
    summary_.inodes++;
    LICHEN_TRY(retain(path));
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
  if (!parent_ || split.parent != parent_path_) LICHEN_TRY(open_directory(split.parent, path));
  name_ = std::move(split.name);
  return {};
}

Status LayerWriter::remove_existing(const std::string& path) {
  auto present = stat_at(parent_, name_);
  bool directory = present && S_ISDIR(present->st_mode);
  LICHEN_TRY(remove_tree_at(parent_, name_));
  if (!directory) return {};
  directories_.removed(path);
  forget(implied_, path);
  return retain("");
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
  return directories_.note(path, attributes);
}

Result<Fd> LayerWriter::create_file(const std::string& path, const Attributes& attributes) {
  Fd file;
  LICHEN_TRY(enter_parent(path));
  LICHEN_TRY(make_entry("create", path, [&] {
    // user.* attributes can be set only on what is writable.
    mode_t mode = attributes.xattrs.empty() ? attributes.mode & kPermissions & ~kSpecial : 0600;
    file =
        Fd(openat(parent_.get(), name_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, mode));
    return file ? 0 : -1;
  }));
  return file;
}

Status LayerWriter::file(const std::string& path, Attributes attributes, std::vector<Memory> pieces) {
  LICHEN_ASSIGN(Fd made, create_file(path, attributes));
  for (const Memory& piece : pieces) summary_.bytes += piece.size;
  return finisher_->take(std::move(made), path, std::move(attributes), std::move(pieces));
}

Status LayerWriter::drain() { return finisher_->drain(); }

Status LayerWriter::begin_file(const std::string& path, Attributes attributes) {
  LICHEN_ASSIGN(file_, create_file(path, attributes));
  file_path_ = path;
  file_attributes_ = std::move(attributes);
  file_size_ = 0;
  ends_in_hole_ = false;
  return {};
}

Status LayerWriter::append(const void* data, size_t size) {
  auto written = write_all(file_, data, size);
  if (!written) return sys_error("write", quoted(file_path_), written.error().number);
  summary_.bytes += size;
  file_size_ += size;
  ends_in_hole_ = ends_in_hole_ && size == 0;
  return {};
}

Status LayerWriter::hole(uint64_t size) {
  if (size == 0) return {};
  if (lseek(file_.get(), static_cast<off_t>(size), SEEK_CUR) < 0)
    return sys_error("lseek", quoted(file_path_));
  file_size_ += size;
  ends_in_hole_ = true;
  return {};
}

Status LayerWriter::end_file() {
  if (ends_in_hole_ && ftruncate(file_.get(), static_cast<off_t>(file_size_)) != 0)
    return sys_error("ftruncate", quoted(file_path_));
  LICHEN_TRY(apply_attributes(file_, file_path_, file_attributes_, true, rules_, summary_.refused_xattrs));
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
  if (made) return {};
  LICHEN_TRY(retain(path));
  LICHEN_TRY(retain(target));
  pending_links_.push_back(std::move(link));
  return {};
}

Status LayerWriter::whiteout(const std::string& path) {
  LICHEN_TRY(enter_parent(path));
  LICHEN_TRY(retain(path));
  summary_.whiteouts.push_back(path);
  return {};
}

Status LayerWriter::opaque(const std::string& path) {
  LICHEN_TRY(open_directory(path, path));
  LICHEN_TRY(retain(path));
  summary_.opaque.push_back(path);
  return {};
}

Result<bool> LayerWriter::try_hard_link(const HardLink& link) {
  SplitPath target = split_path(link.target);
  auto holder = open_beneath(root_, target.parent, O_PATH | O_DIRECTORY);
  if (!holder) {
    if (holder.error().number == ENOENT) return false;
    return plain_error(holder.error().number == ELOOP ? "PATH_THROUGH_SYMLINK" : "PATH_THROUGH_FILE",
                       "unpack entry", quoted(link.path),
                       "a part of its target's path " + quoted(link.target) + " is not a directory");
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

Status LayerWriter::apply_by_name(const std::string& path, const Attributes& attributes, bool with_mode) {
  bool foreign = !rules_.single_owner && (attributes.uid != 0 || attributes.gid != 0);
  if (foreign &&
      fchownat(parent_.get(), name_.c_str(), attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return owner_error(errno, path, attributes);
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
  LICHEN_TRY(drain());
  summary_.refused_xattrs += finisher_->refused();
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
  LICHEN_TRY(directories_.each([&](const std::string& path, const Attributes& attributes) -> Status {
    LICHEN_ASSIGN(Fd directory, open_beneath(root_, path, O_RDONLY | O_DIRECTORY));
    return apply_attributes(directory, path, attributes, false, rules_, summary_.refused_xattrs);
  }));
  return std::move(summary_);
}

}  // namespace lichen
