// What this machine confines, for JavaScript: core/apparmor.h, core/selinux.h and core/privilege.h.
#include "addon/security.h"

#include <fcntl.h>

#include "addon/background.h"
#include "addon/convert.h"
#include "core/apparmor.h"
#include "core/privilege.h"
#include "core/selinux.h"

namespace lichen::addon {

namespace {

// appArmorProfileLoaded(name): boolean
Napi::Value profile_loaded(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "appArmorProfileLoaded");
  std::string name = arguments.string(info[0], "name");
  if (!arguments.ok()) return info.Env().Undefined();
  auto loaded = is_apparmor_profile_loaded(name);
  if (!loaded) return throw_error(info.Env(), loaded.error());
  return Napi::Boolean::New(info.Env(), loaded.value());
}

// selinuxContext(): string
Napi::Value selinux_context(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), own_selinux_context());
}

// checkSelinuxContext(context, "process" | "file")
void check_context(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "checkSelinuxContext");
  std::string context = arguments.string(info[0], "context");
  std::string kind = arguments.string(info[1], "kind");
  if (!arguments.ok()) return;
  auto done = kind == "file" ? check_selinux_file_context(context) : check_selinux_context(context);
  if (!done) throw_error(info.Env(), done.error());
}

// labelTree(path, context): Promise<boolean>
Napi::Value label_tree_at(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "labelTree");
  std::string path = arguments.string(info[0], "path");
  std::string context = arguments.string(info[1], "context");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background<bool>(
      info.Env(), [path, context] { return label_tree(path, context); },
      [](Napi::Env env, bool labelled) -> Napi::Value { return Napi::Boolean::New(env, labelled); });
}

// refusedPrivileges(scratch directory): [{what, code}, …]
Napi::Value refused(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "refusedPrivileges");
  std::string directory = arguments.string(info[0], "directory");
  if (!arguments.ok()) return info.Env().Undefined();
  auto scratch = open_at({}, directory, O_RDONLY | O_DIRECTORY);
  if (!scratch) return throw_error(info.Env(), scratch.error());
  Napi::Array list = Napi::Array::New(info.Env());
  for (const RefusedPrivilege& one : refused_privileges(scratch.value())) {
    Napi::Object entry = Napi::Object::New(info.Env());
    entry.Set("what", one.what);
    entry.Set("code", one.code);
    list.Set(list.Length(), entry);
  }
  return list;
}

}  // namespace

void add_security(Napi::Env env, Napi::Object exports) {
  exports.Set("appArmorProfileLoaded", Napi::Function::New<profile_loaded>(env, "appArmorProfileLoaded"));
  exports.Set("selinuxContext", Napi::Function::New<selinux_context>(env, "selinuxContext"));
  exports.Set("checkSelinuxContext", Napi::Function::New<check_context>(env, "checkSelinuxContext"));
  exports.Set("labelTree", Napi::Function::New<label_tree_at>(env, "labelTree"));
  exports.Set("refusedPrivileges", Napi::Function::New<refused>(env, "refusedPrivileges"));
}

}  // namespace lichen::addon
