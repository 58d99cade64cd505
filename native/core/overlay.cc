#include "core/overlay.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

namespace lichen {

namespace {

// fsconfig(2) takes strings of at most 255 bytes.
constexpr size_t kMaxConfigValue = 255;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// What the kernel logged about this file system context: lines "e overlay: …" (fsopen, "message retrieval
// interface").
std::string kernel_log(const Fd& context) {
  std::string text;
  char line[512];
  for (ssize_t n; (n = read(context.get(), line, sizeof line)) > 0;) {
    std::string_view words(line, static_cast<size_t>(n));
    if (words.size() > 2 && words[1] == ' ') words.remove_prefix(2);
    while (!words.empty() && words.back() == '\n') words.remove_suffix(1);
    text += (text.empty() ? "" : "; ") + std::string(words);
  }
  return text;
}

// An overlay under construction.
class Builder {
 public:
  explicit Builder(Fd context) : context_(std::move(context)) {}

  // A directory option. A path that is too long for fsconfig goes by way of a descriptor of the directory.
  Status directory(const char* option, const std::string& path) {
    if (path.size() <= kMaxConfigValue) return set(option, path, path);
    LICHEN_ASSIGN(std::string short_path, shorten(path));
    return set(option, short_path, path);
  }

  Status lower(const std::vector<std::string>& paths) {
    for (const auto& path : paths) {
      Status status = directory("lowerdir+", path);
      // Linux before 6.7 does not know the option: all of them at once then.
      if (!status && &path == &paths.front() && status.error().number == EINVAL) return joined_lower(paths);
      LICHEN_TRY(std::move(status));
    }
    return {};
  }

  Status flag(const char* option) {
    if (fsconfig(context_.get(), FSCONFIG_SET_FLAG, option, nullptr, 0) != 0) return failed(option, "");
    return {};
  }

  Status context(const std::string& label) { return set("context", label, label); }

  Result<Fd> mount(unsigned attributes) {
    if (fsconfig(context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return failed("create", "");
    Fd mount(fsmount(context_.get(), FSMOUNT_CLOEXEC, attributes));
    if (!mount) return sys_error("fsmount", "(overlay)");
    return mount;
  }

 private:
  Status set(const char* option, const std::string& value, const std::string& shown) {
    if (fsconfig(context_.get(), FSCONFIG_SET_STRING, option, value.c_str(), 0) != 0)
      return failed(option, shown);
    return {};
  }

  Status joined_lower(const std::vector<std::string>& paths) {
    std::string joined;
    for (const auto& path : paths) {
      LICHEN_ASSIGN(std::string short_path, shorten(path));
      joined += (joined.empty() ? "" : ":") + short_path;
    }
    if (joined.size() > kMaxConfigValue)
      return plain_error("E2BIG", "mount overlay", "(" + std::to_string(paths.size()) + " layers)",
                         "this kernel (before Linux 6.7) takes only about 14 layers");
    return set("lowerdir", joined, std::to_string(paths.size()) + " layers");
  }

  Result<std::string> shorten(const std::string& path) {
    LICHEN_ASSIGN(Fd fd, open_at({}, path, O_PATH | O_DIRECTORY));
    directories_.push_back(std::move(fd));
    return self_path(directories_.back());
  }

  Error failed(const char* option, const std::string& value) {
    Error error = sys_error("mount overlay",
                            std::string("(") + option + (value.empty() ? "" : " " + quoted(value)) + ")");
    std::string log = kernel_log(context_);
    if (!log.empty()) error.cause += ": " + log;
    return error;
  }

  Fd context_;
  std::vector<Fd> directories_;  // open until the mount is made
};

}  // namespace

Result<Fd> mount_overlay(const OverlaySpec& spec) {
  if (spec.lower.empty())
    return plain_error("EINVAL", "mount overlay", "", "at least one lower directory is needed");
  if (spec.upper.empty() != spec.work.empty())
    return plain_error("EINVAL", "mount overlay", quoted(spec.upper), "upper and work directory go together");
  if (spec.upper.empty() && spec.lower.size() == 1)
    // Isolated: what a container mounts at its paths must not show up in the layer.
    return clone_tree(spec.lower.front(), {.readonly = true, .isolated = true});
  Fd context(fsopen("overlay", FSOPEN_CLOEXEC));
  if (!context) return sys_error("fsopen", "\"overlay\"");
  Builder overlay(std::move(context));
  LICHEN_TRY(overlay.flag("userxattr"));
  LICHEN_TRY(overlay.lower(spec.lower));
  if (!spec.upper.empty()) {
    LICHEN_TRY(overlay.directory("upperdir", spec.upper));
    LICHEN_TRY(overlay.directory("workdir", spec.work));
  }
  if (!spec.context.empty()) LICHEN_TRY(overlay.context(spec.context));
  return overlay.mount(spec.readonly || spec.upper.empty() ? MOUNT_ATTR_RDONLY : 0);
}

Result<Fd> clone_tree(const std::string& path, TreeOptions options) {
  unsigned recursive = options.recursive ? AT_RECURSIVE : 0;
  Fd tree(open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive));
  if (!tree) return sys_error("open_tree", quoted(path) + (options.recursive ? " (recursive)" : ""));
  if (options.readonly || options.isolated) {
    mount_attr attributes{};
    if (options.readonly) attributes.attr_set = MOUNT_ATTR_RDONLY;
    if (options.isolated) attributes.propagation = MS_PRIVATE;
    if (mount_setattr(tree.get(), "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes) != 0)
      return sys_error("mount_setattr", quoted(path) + (options.readonly ? " (rdonly)" : " (private)"));
  }
  return tree;
}

}  // namespace lichen
