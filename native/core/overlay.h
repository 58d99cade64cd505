// Detached mounts: file systems that are in no mount table, known by a descriptor alone. move_mount(2)
// attaches them.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen {

struct OverlaySpec {
  std::vector<std::string> lower;  // absolute paths, topmost first; at least one
  std::string upper;               // "" for a read-only mount
  std::string work;                // on the file system of `upper`; needed with it
  bool readonly = false;           // refuse writes even with an upper directory
  std::string context;             // SELinux's, of every file in the mount; "": each has its own
};

// Mounts an overlay (fsopen, fsconfig, fsmount) with `userxattr`, as a user namespace must: opaque marks are
// user.overlay.*. The kernel keeps the directories; the mount is gone when the last descriptor and the last
// place it was attached to are. One lower directory without an upper one is a read-only bind of it: overlayfs
// wants two.
Result<Fd> mount_overlay(const OverlaySpec& spec);

struct TreeOptions {
  bool recursive = false;  // with the mounts below
  bool readonly = false;
  bool isolated = false;  // what is mounted on either copy is not seen on the other
};

// A detached copy of the mount at `path` (open_tree(2), OPEN_TREE_CLONE), as a bind mount would show it.
Result<Fd> clone_tree(const std::string& path, TreeOptions options = {});

}  // namespace lichen
