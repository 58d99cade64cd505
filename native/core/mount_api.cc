#include "core/mount_api.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace lichen {

namespace {

// What a file system context has to say about its last failure: lines "e cause" (fsopen(2), "retrieving
// messages").
std::string context_message(const Fd& context) {
  char line[256];
  ssize_t n = read(context.get(), line, sizeof line);
  if (n <= 2) return "";
  std::string text(line + 2, static_cast<size_t>(n) - 2);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

Error context_error(const Fd& context, const char* operation, const std::string& object) {
  Error error = sys_error(operation, object);
  std::string words = context_message(context);
  if (!words.empty()) error.cause += ": " + words;
  return error;
}

long configure(const Fd& context, unsigned command, const char* key, const char* value) {
  return syscall(SYS_fsconfig, context.get(), command, key, value, 0);
}

}  // namespace

Result<Fd> new_mount(const std::string& type, const std::string& source, const FsOptions& options,
                     unsigned attributes) {
  Fd context(static_cast<int>(syscall(SYS_fsopen, type.c_str(), FSOPEN_CLOEXEC)));
  if (!context) return sys_error("fsopen", type);
  if (!source.empty() && configure(context, FSCONFIG_SET_STRING, "source", source.c_str()) != 0)
    return context_error(context, "fsconfig", type + " source=" + source);
  for (const auto& [key, value] : options) {
    long done = value.empty() ? configure(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr)
                              : configure(context, FSCONFIG_SET_STRING, key.c_str(), value.c_str());
    if (done != 0)
      return context_error(context, "fsconfig", type + " " + key + (value.empty() ? "" : "=" + value));
  }
  if (configure(context, FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0)
    return context_error(context, "fsconfig", type + " (create)");
  Fd mount(static_cast<int>(syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, attributes)));
  if (!mount) return context_error(context, "fsmount", type);
  return mount;
}

Result<Fd> clone_mount(const Fd& at, const std::string& path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
  int directory = at ? at.get() : AT_FDCWD;
  Fd mount(static_cast<int>(syscall(SYS_open_tree, directory, path.c_str(), flags)));
  if (!mount) return sys_error("open_tree", "\"" + path + "\"" + (recursive ? " (recursive)" : ""));
  return mount;
}

Result<Fd> clone_mount(const Fd& file, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  Fd mount(static_cast<int>(syscall(SYS_open_tree, file.get(), "", flags)));
  if (!mount) return sys_error("open_tree", recursive ? "(recursive)" : "");
  return mount;
}

Status attach_mount(const Fd& mount, const Fd& target) {
  if (syscall(SYS_move_mount, mount.get(), "", target.get(), "",
              MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return sys_error("move_mount");
  return {};
}

Status change_mount(const Fd& mount, unsigned long set, unsigned long clear, unsigned long propagation,
                    bool recursive) {
  if (set == 0 && clear == 0 && propagation == 0) return {};
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (syscall(SYS_mount_setattr, mount.get(), "", flags, &attributes, sizeof attributes) != 0)
    return sys_error("mount_setattr", recursive ? "(recursive)" : "");
  return {};
}

Status map_mount_ids(const Fd& mount, const Fd& user, bool recursive) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<uint64_t>(user.get());
  unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  if (syscall(SYS_mount_setattr, mount.get(), "", flags, &attributes, sizeof attributes) == 0) return {};
  Error error = sys_error("mount_setattr", "(idmap)");
  if (error.number == EPERM) error.cause += ": only root can map the ids of this file system";
  if (error.number == EINVAL) error.cause += ": this file system cannot map ids";
  return error;
}

}  // namespace lichen
