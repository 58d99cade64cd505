#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds appArmorProfileLoaded and refusedPrivileges.
void add_security(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
