#include "core/root_path.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <vector>

namespace lichen {

namespace {

constexpr int kMaxLinks = 40;  // as many as the kernel follows

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= path.size();) {
    size_t slash = std::min(path.find('/', at), path.size());
    std::string name = path.substr(at, slash - at);
    if (!name.empty() && name != ".") names.push_back(name);
    at = slash + 1;
  }
  return names;
}

std::string join(const std::string& directory, const std::string& name) {
  return directory.empty() || directory.back() == '/' ? directory + name : directory + "/" + name;
}

Result<std::string> link_target(const Fd& parent, const std::string& name) {
  char target[PATH_MAX];
  ssize_t n = readlinkat(parent.get(), name.c_str(), target, sizeof target);
  if (n < 0) return sys_error("readlink", "\"" + name + "\"");
  return std::string(target, static_cast<size_t>(n));
}

// Where a link at `parent_path`/`name` points, as a path from the root.
std::string target_path(const std::string& parent_path, const std::string& target) {
  return target.starts_with('/') ? target : join(parent_path, target);
}

Result<Fd> ensure_directory_within(const Fd& root, const std::string& path, int links) {
  auto there = open_in_root(root, path, O_PATH | O_DIRECTORY);
  if (there || there.error().number != ENOENT) return there;
  std::string at = "/";
  for (const std::string& name : components(path)) {
    std::string next = join(at, name);
    auto found = open_in_root(root, next, O_PATH | O_DIRECTORY);
    if (!found) {
      if (found.error().number != ENOENT) return found;
      LICHEN_ASSIGN(Fd parent, open_in_root(root, at, O_PATH | O_DIRECTORY));
      if (mkdirat(parent.get(), name.c_str(), 0755) != 0) {
        if (errno != EEXIST) return sys_error("mkdir", "\"" + next + "\"");
        if (links >= kMaxLinks) return sys_error("mkdir", "\"" + next + "\"", ELOOP);
        LICHEN_ASSIGN(std::string target, link_target(parent, name));
        LICHEN_ASSIGN(Fd made, ensure_directory_within(root, target_path(at, target), links + 1));
      }
    }
    at = next;
  }
  return open_in_root(root, path, O_PATH | O_DIRECTORY);
}

Result<Fd> ensure_file_within(const Fd& root, const std::string& path, int links) {
  auto there = open_in_root(root, path, O_PATH);
  if (there || there.error().number != ENOENT) return there;
  std::vector<std::string> names = components(path);
  if (names.empty() || names.back() == "..") return sys_error("create", "\"" + path + "\"", EISDIR);
  std::string parent_path = "/";
  for (size_t i = 0; i + 1 < names.size(); i++) parent_path = join(parent_path, names[i]);
  LICHEN_ASSIGN(Fd parent, ensure_directory_within(root, parent_path, links));
  int made =
      openat(parent.get(), names.back().c_str(), O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
  if (made >= 0) {
    ::close(made);
    return open_at(parent, names.back(), O_PATH | O_NOFOLLOW);
  }
  if (errno != EEXIST) return sys_error("create", "\"" + path + "\"");
  if (links >= kMaxLinks) return sys_error("create", "\"" + path + "\"", ELOOP);
  LICHEN_ASSIGN(std::string target, link_target(parent, names.back()));
  return ensure_file_within(root, target_path(parent_path, target), links + 1);
}

}  // namespace

Result<Fd> open_in_root(const Fd& root, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: something was renamed meanwhile somewhere in the system and the kernel could not be sure; try
  // again.
  for (int attempt = 0;; attempt++) {
    long number = syscall(SYS_openat2, root.get(), path.empty() ? "/" : path.c_str(), &how, sizeof how);
    if (number >= 0) return Fd(static_cast<int>(number));
    if (errno != EAGAIN || attempt == 100) return sys_error("open", "\"" + path + "\"");
  }
}

Result<Fd> ensure_directory(const Fd& root, const std::string& path) {
  return ensure_directory_within(root, path, 0);
}

Result<Fd> ensure_file(const Fd& root, const std::string& path) {
  LICHEN_ASSIGN(Fd file, ensure_file_within(root, path, 0));
  struct stat found {};
  if (fstat(file.get(), &found) != 0) return sys_error("fstat", "\"" + path + "\"");
  if (S_ISDIR(found.st_mode)) return sys_error("create", "\"" + path + "\"", EISDIR);
  return file;
}

}  // namespace lichen
