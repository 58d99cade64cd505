// Detached mounts for JavaScript: core/overlay.h. The kernel may read from disk for them, so they are made
// off the main thread.
#include "addon/mounts.h"

#include <sys/mount.h>

#include <cerrno>

#include "addon/background.h"
#include "addon/fd_object.h"
#include "core/overlay.h"

namespace lichen::addon {

namespace {

// overlay({lower, upper?, work?, readonly?, context?}): Promise<Fd>
Napi::Value overlay(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "overlay");
  OverlaySpec spec;
  spec.lower = arguments.strings(arguments.member(info[0], "lower"), "lower");
  spec.upper = arguments.optional_string(arguments.member(info[0], "upper"), "upper");
  spec.work = arguments.optional_string(arguments.member(info[0], "work"), "work");
  spec.readonly = arguments.optional_boolean(arguments.member(info[0], "readonly"), "readonly");
  spec.context = arguments.optional_string(arguments.member(info[0], "context"), "context");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background<Fd>(
      info.Env(), [spec] { return mount_overlay(spec); }, FdObject::wrap);
}

// cloneTree(path, {recursive?, readonly?}): Promise<Fd>
Napi::Value clone_tree_at(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "cloneTree");
  std::string path = arguments.string(info[0], "path");
  TreeOptions options;
  options.recursive = arguments.optional_boolean(arguments.member(info[1], "recursive"), "recursive");
  options.readonly = arguments.optional_boolean(arguments.member(info[1], "readonly"), "readonly");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background<Fd>(
      info.Env(), [path, options] { return clone_tree(path, options); }, FdObject::wrap);
}

// detachMount(path)
void detach_mount(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "detachMount");
  std::string path = arguments.string(info[0], "path");
  if (!arguments.ok()) return;
  bool detached = umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
  // EINVAL: nothing is mounted there.
  if (!detached && errno != ENOENT && errno != EINVAL)
    throw_error(info.Env(), sys_error("umount", "\"" + path + "\""));
}

}  // namespace

void add_mounts(Napi::Env env, Napi::Object exports) {
  exports.Set("overlay", Napi::Function::New<overlay>(env, "overlay"));
  exports.Set("detachMount", Napi::Function::New<detach_mount>(env, "detachMount"));
  exports.Set("cloneTree", Napi::Function::New<clone_tree_at>(env, "cloneTree"));
}

}  // namespace lichen::addon
