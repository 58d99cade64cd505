// What this machine confines, for JavaScript: core/apparmor.h and core/privilege.h.
#include "addon/security.h"

#include <fcntl.h>

#include "addon/convert.h"
#include "core/apparmor.h"
#include "core/privilege.h"

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
  exports.Set("refusedPrivileges", Napi::Function::New<refused>(env, "refusedPrivileges"));
}

}  // namespace lichen::addon
