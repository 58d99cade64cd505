// Mount options of an OCI runtime spec ("ro", "rslave", "mode=1777") as what the kernel wants.
#pragma once

#include <string>
#include <vector>

#include "core/mount_api.h"
#include "core/result.h"

namespace lichen {

struct MountOptions {
  bool bind = false;
  bool recursive_bind = false;
  unsigned long set = 0;  // MOUNT_ATTR_* of the mount itself
  unsigned long clear = 0;
  unsigned long set_recursive = 0;  // of the mount and everything below: "rro", "rnosuid" …
  unsigned long clear_recursive = 0;
  unsigned long propagation = 0;  // MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0: not named
  bool recursive_propagation = false;
  FsOptions data;  // what is left for the file system: mode, size, gid …
};

// Understands runtime-spec's list ("Linux mount options") without those that need idmapped or remounted
// mounts. Later options win over earlier ones. Options that are neither known nor could be a file system's
// ("tmpcopyup", "idmap", "remount") are refused with code UNSUPPORTED_OPTION.
Result<MountOptions> parse_mount_options(const std::vector<std::string>& options);

}  // namespace lichen
