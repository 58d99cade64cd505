#include "core/beneath.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace lichen {

std::string quoted(const std::string& path) { return "\"" + path + "\""; }

SplitPath split_path(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Result<Fd> open_beneath(const Fd& directory, const std::string& path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  const char* name = path.empty() ? "." : path.c_str();
  // EAGAIN: something was renamed meanwhile somewhere in the system and the kernel could not be sure; try
  // again.
  for (int attempt = 0;; attempt++) {
    long number = syscall(SYS_openat2, directory.get(), name, &how, sizeof how);
    if (number >= 0) return Fd(static_cast<int>(number));
    if (errno != EAGAIN || attempt == 100) return sys_error("openat2", quoted(path));
  }
}

Result<struct stat> stat_at(const Fd& directory, const std::string& name) {
  struct stat found {};
  if (fstatat(directory.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    return sys_error("fstatat", quoted(name));
  return found;
}

namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const { closedir(stream); }
};

bool is_dot(const char* name) { return name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0)); }

}  // namespace

Result<std::vector<std::string>> list_names(const Fd& directory) {
  LICHEN_ASSIGN(Fd readable, open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  std::unique_ptr<DIR, CloseDirectory> stream(fdopendir(readable.get()));
  if (!stream) return sys_error("fdopendir");
  (void)readable.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    dirent* entry = readdir(stream.get());
    if (!entry && errno != 0) return sys_error("readdir");
    if (!entry) return names;
    if (!is_dot(entry->d_name)) names.emplace_back(entry->d_name);
  }
}

namespace {

// Paths longer than this do not grow any further: with a name of 255 bytes behind them they stay below
// PATH_MAX.
constexpr size_t kLongPath = 3000;

// Brings a directory up to `top`, under a name that nothing there has; answers that name.
Result<std::string> bring_up(const Fd& directory, const std::string& name, const Fd& top) {
  for (unsigned number = 0;; number++) {
    std::string short_name = ".removed-" + std::to_string(number);
    if (renameat2(directory.get(), name.c_str(), top.get(), short_name.c_str(), RENAME_NOREPLACE) == 0)
      return short_name;
    if (errno != EEXIST) return sys_error("renameat2", quoted(name));
  }
}

// Removes all that is in a directory but other directories; those it adds to `found` by their path from
// `top`.
Status empty_of_files(const Fd& top, const std::string& path, std::vector<std::string>& found) {
  LICHEN_ASSIGN(Fd directory, open_beneath(top, path, O_RDONLY | O_DIRECTORY));
  LICHEN_ASSIGN(std::vector<std::string> names, list_names(directory));
  for (const std::string& name : names) {
    if (unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) continue;
    std::string inner = path.empty() ? name : path + "/" + name;
    if (errno != EISDIR && errno != EPERM) return sys_error("unlinkat", quoted(inner));
    if (path.size() > kLongPath) {
      LICHEN_ASSIGN(inner, bring_up(directory, name, top));
    }
    found.push_back(std::move(inner));
  }
  return {};
}

}  // namespace

Status remove_tree_at(const Fd& directory, const std::string& name) {
  if (unlinkat(directory.get(), name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR && errno != EPERM) return sys_error("unlinkat", quoted(name));
  LICHEN_ASSIGN(Fd top, open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // By paths and not by descriptors that stay open: a tree may be deeper than a process has descriptors. It
  // may also be deeper than a path can be long.
  std::vector<std::string> waiting;
  LICHEN_TRY(empty_of_files(top, "", waiting));
  while (!waiting.empty()) {
    std::string path = waiting.back();
    if (unlinkat(top.get(), path.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) {
      waiting.pop_back();
      continue;
    }
    if (errno != ENOTEMPTY && errno != EEXIST) return sys_error("rmdir", quoted(path));
    size_t before = waiting.size();
    LICHEN_TRY(empty_of_files(top, path, waiting));
    // Whoever fills it while it is emptied could make this go on for ever.
    if (waiting.size() == before && unlinkat(top.get(), path.c_str(), AT_REMOVEDIR) != 0)
      return sys_error("rmdir", quoted(path));
  }
  if (unlinkat(directory.get(), name.c_str(), AT_REMOVEDIR) != 0) return sys_error("rmdir", quoted(name));
  return {};
}

}  // namespace lichen
