#include "core/tree_shift.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/posix_acl_xattr.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/fd.h"

namespace lichen {

namespace {

constexpr uint16_t kAclUser = 0x02, kAclGroup = 0x08;  // ACL_USER, ACL_GROUP of <linux/posix_acl.h>

struct Closer {
  void operator()(DIR* stream) const { closedir(stream); }
};

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() ? name : directory + "/" + name;
}

std::string quoted(const std::string& path) { return "\"" + path + "\""; }

class Shift {
 public:
  Shift(Fd destination, const NestedIdMap& map) : top_(std::move(destination)), map_(map) {}

  // Everything in `from` to `to`; `path` is what both are called beneath their tops.
  Status directory(Fd from, const Fd& to, const std::string& path) {
    LICHEN_ASSIGN(Fd listing, from.duplicate());
    std::unique_ptr<DIR, Closer> stream(fdopendir(listing.get()));
    if (!stream) return sys_error("fdopendir", quoted(path));
    (void)listing.release();  // the stream's now
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(stream.get());
      if (entry == nullptr && errno != 0) return sys_error("readdir", quoted(path));
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") LICHEN_TRY(copy(from, to, name, join(path, name)));
    }
    struct stat found {};
    if (fstat(from.get(), &found) != 0) return sys_error("fstat", quoted(path));
    return attributes(from, to, found, path);
  }

  const ShiftSummary& summary() const { return summary_; }

 private:
  Status copy(const Fd& from, const Fd& to, const std::string& name, const std::string& path) {
    struct stat found {};
    if (fstatat(from.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
      return sys_error("stat", quoted(path));
    if (!S_ISDIR(found.st_mode) && found.st_nlink > 1) {
      LICHEN_ASSIGN(bool linked, link_to_first(to, name, path, found));
      if (linked) return {};
    }
    summary_.inodes++;
    if (S_ISDIR(found.st_mode)) return copy_directory(from, to, name, path);
    if (S_ISREG(found.st_mode)) return copy_file(from, to, name, path, found);
    if (S_ISLNK(found.st_mode)) return copy_symlink(from, to, name, path, found);
    if (mknodat(to.get(), name.c_str(), found.st_mode, found.st_rdev) != 0)
      return sys_error("mknod", quoted(path));
    return named_attributes(to, name, path, found);
  }

  // False: it is the first name of its file.
  Result<bool> link_to_first(const Fd& to, const std::string& name, const std::string& path,
                             const struct stat& found) {
    auto [first, fresh] = links_.try_emplace({found.st_dev, found.st_ino}, path);
    if (fresh) return false;
    if (linkat(top_.get(), first->second.c_str(), to.get(), name.c_str(), 0) != 0)
      return sys_error("link", quoted(path));
    return true;
  }

  Status copy_directory(const Fd& from, const Fd& to, const std::string& name, const std::string& path) {
    LICHEN_ASSIGN(Fd source, open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    if (mkdirat(to.get(), name.c_str(), 0700) != 0) return sys_error("mkdir", quoted(path));
    LICHEN_ASSIGN(Fd made, open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    return directory(std::move(source), made, path);
  }

  Status copy_file(const Fd& from, const Fd& to, const std::string& name, const std::string& path,
                   const struct stat& found) {
    LICHEN_ASSIGN(Fd source, open_at(from, name, O_RDONLY | O_NOFOLLOW));
    LICHEN_ASSIGN(Fd made, open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    LICHEN_TRY(content(source, made, path, static_cast<uint64_t>(found.st_size)));
    LICHEN_TRY(attributes(source, made, found, path));
    return made.close();
  }

  Status content(const Fd& source, const Fd& made, const std::string& path, uint64_t size) {
    summary_.bytes += size;
    if (size == 0) return {};
    if (may_share_ && ioctl(made.get(), FICLONE, source.get()) == 0) {
      summary_.shared += size;
      return {};
    }
    may_share_ = false;  // found by trying: this file system has no shared extents
    for (uint64_t left = size; left > 0;) {
      ssize_t n = copy_file_range(source.get(), nullptr, made.get(), nullptr, left, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return sys_error("copy_file_range", quoted(path));
      if (n == 0) break;
      left -= static_cast<uint64_t>(n);
    }
    return {};
  }

  Status copy_symlink(const Fd& from, const Fd& to, const std::string& name, const std::string& path,
                      const struct stat& found) {
    char target[PATH_MAX];
    ssize_t n = readlinkat(from.get(), name.c_str(), target, sizeof target);
    if (n < 0) return sys_error("readlink", quoted(path));
    if (symlinkat(std::string(target, static_cast<size_t>(n)).c_str(), to.get(), name.c_str()) != 0)
      return sys_error("symlink", quoted(path));
    return named_attributes(to, name, path, found);
  }

  Result<std::pair<uid_t, gid_t>> owner(const struct stat& found, const std::string& path) {
    uid_t uid = outer_id(map_.uids, found.st_uid);
    gid_t gid = outer_id(map_.gids, found.st_gid);
    if (uid == UINT32_MAX || gid == UINT32_MAX)
      return plain_error("ID_OUTSIDE_MAP", "shift owner", quoted(path),
                         "the image has a file of " + std::to_string(found.st_uid) + ":" +
                             std::to_string(found.st_gid) + ", which the pod's user namespace does not have");
    return std::pair{uid, gid};
  }

  // Owner first: changing it takes setuid bits and capabilities away.
  Status attributes(const Fd& from, const Fd& to, const struct stat& found, const std::string& path) {
    LICHEN_ASSIGN(auto ids, owner(found, path));
    if (fchown(to.get(), ids.first, ids.second) != 0) return sys_error("chown", quoted(path));
    if (fchmod(to.get(), found.st_mode & 07777) != 0) return sys_error("chmod", quoted(path));
    LICHEN_TRY(copy_xattrs(from, to, path));
    timespec times[2] = {found.st_atim, found.st_mtim};
    if (futimens(to.get(), times) != 0) return sys_error("utimens", quoted(path));
    return {};
  }

  // For what cannot be opened.
  Status named_attributes(const Fd& to, const std::string& name, const std::string& path,
                          const struct stat& found) {
    LICHEN_ASSIGN(auto ids, owner(found, path));
    if (fchownat(to.get(), name.c_str(), ids.first, ids.second, AT_SYMLINK_NOFOLLOW) != 0)
      return sys_error("chown", quoted(path));
    if (!S_ISLNK(found.st_mode) && fchmodat(to.get(), name.c_str(), found.st_mode & 07777, 0) != 0)
      return sys_error("chmod", quoted(path));
    timespec times[2] = {found.st_atim, found.st_mtim};
    if (utimensat(to.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
      return sys_error("utimens", quoted(path));
    return {};
  }

  Status copy_xattrs(const Fd& from, const Fd& to, const std::string& path) {
    ssize_t size = flistxattr(from.get(), nullptr, 0);
    if (size <= 0) return {};
    std::vector<char> names(static_cast<size_t>(size));
    size = flistxattr(from.get(), names.data(), names.size());
    for (const char* name = names.data(); size > 0 && name < names.data() + size; name += strlen(name) + 1)
      LICHEN_TRY(copy_xattr(from, to, name, path));
    return {};
  }

  Status copy_xattr(const Fd& from, const Fd& to, const char* name, const std::string& path) {
    std::string value(XATTR_SIZE_MAX, '\0');
    ssize_t size = fgetxattr(from.get(), name, value.data(), value.size());
    if (size < 0) return sys_error("getxattr", quoted(path) + " " + name);
    value.resize(static_cast<size_t>(size));
    if (strncmp(name, "system.posix_acl_", 17) == 0) shift_acl(value);
    // A label of the node's is given by the kernel to new files, and is not ours to set.
    if (fsetxattr(to.get(), name, value.data(), value.size(), 0) != 0 &&
        strcmp(name, "security.selinux") != 0)
      return sys_error("setxattr", quoted(path) + " " + name);
    return {};
  }

  // Entries of a named user or group hold an id; one that the map does not have stays, and means nobody.
  void shift_acl(std::string& value) const {
    for (size_t at = sizeof(posix_acl_xattr_header); at + sizeof(posix_acl_xattr_entry) <= value.size();
         at += sizeof(posix_acl_xattr_entry)) {
      posix_acl_xattr_entry entry;
      memcpy(&entry, value.data() + at, sizeof entry);
      if (entry.e_tag != kAclUser && entry.e_tag != kAclGroup) continue;
      uint32_t id = outer_id(entry.e_tag == kAclUser ? map_.uids : map_.gids, entry.e_id);
      if (id != UINT32_MAX) entry.e_id = id;
      memcpy(value.data() + at, &entry, sizeof entry);
    }
  }

  Fd top_;
  const NestedIdMap& map_;
  ShiftSummary summary_;
  bool may_share_ = true;
  std::map<std::pair<dev_t, ino_t>, std::string> links_;
};

}  // namespace

Result<ShiftSummary> shift_tree(const std::string& source, const std::string& destination,
                                const NestedIdMap& map) {
  LICHEN_ASSIGN(Fd from, open_at({}, source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  LICHEN_ASSIGN(Fd to, open_at({}, destination, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  LICHEN_ASSIGN(Fd top, to.duplicate());
  Shift shift(std::move(top), map);
  LICHEN_TRY(shift.directory(std::move(from), to, ""));
  return shift.summary();
}

}  // namespace lichen
