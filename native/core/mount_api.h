// Mounts as descriptors: fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2). A detached
// mount is in no mount table; it is gone when its last descriptor is closed, unless it was attached.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// Options of a new file system: a value with '=' ("mode", "0755"), or a flag when the second is empty
// ("newinstance", "").
using FsOptions = std::vector<std::pair<std::string, std::string>>;

// A new detached mount of a file system. `attributes`: MOUNT_ATTR_*. Refusals carry the kernel's own words
// where it has some.
Result<Fd> new_mount(const std::string& type, const std::string& source, const FsOptions& options,
                     unsigned attributes);

// A detached copy of what is mounted at `path` (beneath `at`, or the working directory), with everything
// below it when `recursive`. It stays in the propagation group of the original.
Result<Fd> clone_mount(const Fd& at, const std::string& path, bool recursive);

// A detached copy of the file or directory that a descriptor shows. The descriptor must be of this mount
// namespace.
Result<Fd> clone_mount(const Fd& file, bool recursive);

// Attaches a detached mount on the file or directory that `target` (O_PATH will do) shows.
Status attach_mount(const Fd& mount, const Fd& target);

// Sets and clears MOUNT_ATTR_* flags, and the propagation (MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0
// leaves it).
Status change_mount(const Fd& mount, unsigned long set, unsigned long clear, unsigned long propagation,
                    bool recursive);

// Shows the files of a detached mount under other owners: an id of the user namespace `user` on the disk is
// the one that it maps to in the mount (mount_setattr(2), MOUNT_ATTR_IDMAP). EINVAL: the file system cannot;
// EPERM: it was not mounted in a user namespace of ours.
Status map_mount_ids(const Fd& mount, const Fd& user, bool recursive);

}  // namespace lichen
