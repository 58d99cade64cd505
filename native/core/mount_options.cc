#include "core/mount_options.h"

#include <linux/mount.h>

#include <string_view>

namespace lichen {

namespace {

// From the kernel's own header, since <sys/mount.h> and <linux/mount.h> do not go together.
constexpr unsigned long kUnbindable = 1 << 17, kPrivate = 1 << 18, kSlave = 1 << 19, kShared = 1 << 20;

struct Attribute {
  const char* name;
  unsigned long set;
  unsigned long clear;
};

// Each also works recursively with "r" in front: "rro", "rnosuid". "rw" alone is in the list, "rrw" its
// recursive form.
constexpr Attribute kAttributes[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
    {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
    {"atime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME},
    {"norelatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
};

struct Propagation {
  const char* name;
  unsigned long flag;
};
constexpr Propagation kPropagations[] = {
    {"private", kPrivate}, {"slave", kSlave}, {"shared", kShared}, {"unbindable", kUnbindable}};

// The later of two contrary options wins. "rw", "suid" and their like only take back an earlier opposite: a
// bind keeps what its source forbids.
void apply(unsigned long& set, unsigned long& clear, const Attribute& attribute) {
  set = (set & ~attribute.clear) | attribute.set;
  if (attribute.set != 0) clear |= attribute.clear;
}

bool apply_attribute(MountOptions& out, std::string_view option) {
  for (const Attribute& attribute : kAttributes) {
    if (option == attribute.name) return apply(out.set, out.clear, attribute), true;
    if (option.starts_with('r') && option.substr(1) == attribute.name)
      return apply(out.set_recursive, out.clear_recursive, attribute), true;
  }
  return false;
}

bool apply_propagation(MountOptions& out, std::string_view option) {
  for (const Propagation& propagation : kPropagations) {
    bool recursive = option.starts_with('r') && option.substr(1) == propagation.name;
    if (!recursive && option != propagation.name) continue;
    out.propagation = propagation.flag;
    out.recursive_propagation = recursive;
    return true;
  }
  return false;
}

bool unsupported(std::string_view option) {
  return option == "tmpcopyup" || option == "idmap" || option == "ridmap" || option == "remount" ||
         option == "mand" || option == "sync" || option == "dirsync" || option == "iversion";
}

}  // namespace

Result<MountOptions> parse_mount_options(const std::vector<std::string>& options) {
  MountOptions out;
  for (const std::string& option : options) {
    if (option.empty() || option == "defaults" || option == "async" || option == "silent") continue;
    if (option == "bind" || option == "rbind") {
      out.bind = true;
      out.recursive_bind = option == "rbind";
    } else if (unsupported(option)) {
      return plain_error("UNSUPPORTED_OPTION", "read mount options", "\"" + option + "\"",
                         "not possible for this mount");
    } else if (!apply_attribute(out, option) && !apply_propagation(out, option)) {
      size_t equals = option.find('=');
      if (equals == std::string::npos)
        out.data.emplace_back(option, "");
      else
        out.data.emplace_back(option.substr(0, equals), option.substr(equals + 1));
    }
  }
  return out;
}

}  // namespace lichen
