#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds overlay and cloneTree (core/overlay.h).
void add_mounts(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
