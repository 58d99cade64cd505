#include "monitor/container_mounts.h"

#include <linux/mount.h>
#include <sys/stat.h>

#include <cerrno>

#include "core/mount_api.h"
#include "core/mount_part.h"
#include "core/overlay.h"
#include "core/root_path.h"
#include "core/selinux.h"

namespace lichen::monitor {

namespace {

constexpr unsigned long kPrivate =
    1 << 18;  // MS_PRIVATE; <sys/mount.h> and <linux/mount.h> do not go together
constexpr const char* kPodShm = "lichen:shm";

Result<Fd> bind_source(const OciMount& mount, const MountContext& context) {
  if (mount.source != kPodShm) return clone_mount(Fd(), mount.source, mount.options.recursive_bind);
  if (!context.shm_path.empty()) return clone_mount(Fd(), context.shm_path, false);
  if (context.shm != nullptr && *context.shm) return clone_mount(*context.shm, false);
  return plain_error("INVALID_SPEC", "mount", kPodShm, "the pod has no shared memory of its own");
}

// What recursive, plain and propagation options say, in that order: each call has one scope.
Status apply_options(const Fd& mount, const MountOptions& options) {
  LICHEN_TRY(change_mount(mount, options.set_recursive, options.clear_recursive, 0, true));
  LICHEN_TRY(change_mount(mount, options.set, options.clear, 0, false));
  if (options.propagation == 0) return change_mount(mount, 0, 0, kPrivate, true);
  return change_mount(mount, 0, 0, options.propagation, options.recursive_propagation);
}

Status map_ids(const Fd& source, const OciMount& mount, const MountContext& context) {
  if (mount.id_map.uids.empty() && mount.id_map.gids.empty()) return {};
  if (context.user == nullptr || mount.id_map.uids != context.map->uids ||
      mount.id_map.gids != context.map->gids)
    return plain_error("INVALID_SPEC", "map ids of mount", "\"" + mount.source + "\"",
                       "the map is not that of the pod's user namespace");
  auto done = map_mount_ids(source, *context.user, mount.options.recursive_bind);
  if (!done) return std::move(done).error().within("\"" + mount.source + "\"");
  return {};
}

// Of the pod's shared memory, which was made without a label; what else is bound has its own.
Status label_shm(const Fd& source, const OciMount& mount) {
  if (mount.source != kPodShm) return {};
  for (const auto& [key, value] : mount.options.data)
    if (key == "context") LICHEN_TRY(label_file(source, value));
  return {};
}

Result<Fd> make_bind(const OciMount& mount, const MountContext& context) {
  LICHEN_ASSIGN(Fd source, bind_source(mount, context));
  LICHEN_TRY(label_shm(source, mount));
  LICHEN_TRY(map_ids(source, mount, context));
  LICHEN_TRY(apply_options(source, mount.options));
  return source;
}

// The node's own instance, read-only throughout when that was asked: what a container that shares the
// namespace behind it gets where a fresh mount is refused, and would show the same anyway.
Result<Fd> node_instance(const char* path, const OciMount& mount) {
  LICHEN_ASSIGN(Fd copy, clone_mount(Fd(), path, true));
  LICHEN_TRY(change_mount(copy, mount.options.set & MOUNT_ATTR_RDONLY, 0, 0, true));
  LICHEN_TRY(change_mount(copy, 0, 0, kPrivate, true));
  return copy;
}

const char* node_path(const std::string& type, const MountContext& context) {
  if (type == "proc" && context.node_pid) return "/proc";
  if (type == "sysfs" && context.node_network) return "/sys";
  if (type == "mqueue" && context.node_ipc) return "/dev/mqueue";
  return nullptr;
}

bool refused(const Error& error) { return error.number == EPERM || error.number == EACCES; }

Result<Fd> make_new(const OciMount& mount, const MountContext& context) {
  std::string type = mount.type == "cgroup" ? "cgroup2" : mount.type;
  unsigned attributes = static_cast<unsigned>(mount.options.set | mount.options.set_recursive);
  if (type == "tmpfs") attributes &= ~static_cast<unsigned>(MOUNT_ATTR_RDONLY);
  const std::string& source = mount.source.empty() ? type : mount.source;
  auto made = new_mount(type, source, mount.options.data, attributes);
  if (made) return made;
  const char* node = node_path(type, context);
  if (node != nullptr && refused(made.error()))
    if (auto instance = node_instance(node, mount)) return instance;
  // A node that maps one id only has no group for terminals.
  if (type == "devpts" && made.error().number == EINVAL) {
    FsOptions rest = mount.options.data;
    if (std::erase_if(rest, [](const auto& option) { return option.first == "gid"; }) > 0)
      return new_mount(type, source, rest, attributes);
  }
  return made;
}

bool known_type(const std::string& type) {
  for (const char* known : {"proc", "sysfs", "tmpfs", "devpts", "mqueue", "cgroup", "cgroup2"})
    if (type == known) return true;
  return false;
}

Status open_bind(const OciMount& mount, const MountContext& context, PreparedMount& prepared) {
  LICHEN_ASSIGN(prepared.mount, make_bind(mount, context));
  struct stat found {};
  if (fstat(prepared.mount.get(), &found) != 0) return sys_error("fstat", "\"" + mount.source + "\"");
  prepared.directory = S_ISDIR(found.st_mode);
  return {};
}

// A mount of type "overlay" is a read-only image (PROTOCOL.md): its layers, and the part of it that is
// wanted.
Status open_image(const OciMount& mount, PreparedMount& prepared) {
  OverlaySpec spec;
  for (const auto& [key, value] : mount.options.data) {
    if (key == "lowerdir+")
      spec.lower.push_back(value);
    else if (key == "lichen.subpath")
      prepared.image_path = value;
    else if (key == "context")
      spec.context = value;
    else
      return plain_error("UNSUPPORTED_OPTION", "mount image", "\"" + key + "\"",
                         "an image has no such option");
  }
  LICHEN_ASSIGN(prepared.mount, mount_overlay(spec));
  MountOptions options = mount.options;
  options.set |= MOUNT_ATTR_RDONLY;
  return apply_options(prepared.mount, options);
}

Status take_image_part(PreparedMount& mount, const std::string& place) {
  auto part = part_of_mount(mount.mount, mount.image_path, place);
  if (!part) {
    Error error = std::move(part).error();
    if (error.number != ENOENT) return error;
    return plain_error("IMAGE_PATH_MISSING", "mount image volume", "\"" + mount.image_path + "\"",
                       "the image has no such path");
  }
  struct stat found {};
  if (fstat(part->get(), &found) != 0) return sys_error("fstat", "\"" + mount.image_path + "\"");
  mount.directory = S_ISDIR(found.st_mode);
  mount.mount = std::move(part).value();
  return {};
}

bool node_view(const OciMount& mount) { return mount.options.bind || mount.type == "overlay"; }

Status make_file_system(const OciMount& mount, const MountContext& context, PreparedMount& prepared) {
  if (!known_type(mount.type))
    return plain_error("UNSUPPORTED_MOUNT", "mount", mount.type, "this type of file system is not supported");
  LICHEN_ASSIGN(prepared.mount, make_new(mount, context));
  prepared.readonly_at_end =
      mount.type == "tmpfs" && ((mount.options.set | mount.options.set_recursive) & MOUNT_ATTR_RDONLY) != 0;
  return {};
}

std::string title(const std::string& destination) { return "mount at \"" + destination + "\""; }

}  // namespace

Result<std::vector<PreparedMount>> open_bind_sources(const std::vector<OciMount>& mounts,
                                                     const MountContext& context) {
  std::vector<PreparedMount> prepared(mounts.size());
  for (size_t i = 0; i < mounts.size(); i++) {
    prepared[i].destination = mounts[i].destination;
    if (!node_view(mounts[i])) continue;
    auto done = mounts[i].options.bind ? open_bind(mounts[i], context, prepared[i])
                                       : open_image(mounts[i], prepared[i]);
    if (!done) return std::move(done).error().within(title(mounts[i].destination));
  }
  return prepared;
}

Status make_file_systems(const std::vector<OciMount>& mounts, const MountContext& context,
                         std::vector<PreparedMount>& prepared) {
  for (size_t i = 0; i < mounts.size(); i++) {
    if (node_view(mounts[i])) continue;
    if (auto done = make_file_system(mounts[i], context, prepared[i]); !done)
      return std::move(done).error().within(title(mounts[i].destination));
  }
  return {};
}

Status take_image_parts(std::vector<PreparedMount>& mounts, const std::string& place) {
  for (PreparedMount& mount : mounts) {
    if (mount.image_path.empty()) continue;
    if (auto done = take_image_part(mount, place); !done)
      return std::move(done).error().within(title(mount.destination));
  }
  return {};
}

Status attach_mounts(const Fd& root, const std::vector<PreparedMount>& mounts) {
  for (const PreparedMount& mount : mounts) {
    auto target =
        mount.directory ? ensure_directory(root, mount.destination) : ensure_file(root, mount.destination);
    if (!target) return std::move(target).error().within(title(mount.destination));
    if (auto done = attach_mount(mount.mount, *target.operator->()); !done)
      return std::move(done).error().within(title(mount.destination));
  }
  return {};
}

Status finish_mounts(const std::vector<PreparedMount>& mounts) {
  for (const PreparedMount& mount : mounts) {
    if (!mount.readonly_at_end) continue;
    if (auto done = change_mount(mount.mount, MOUNT_ATTR_RDONLY, 0, 0, false); !done)
      return std::move(done).error().within(title(mount.destination));
  }
  return {};
}

}  // namespace lichen::monitor
