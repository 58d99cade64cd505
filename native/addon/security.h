#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds appArmorProfileLoaded, selinuxContext, checkSelinuxContext, labelTree and refusedPrivileges.
void add_security(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
