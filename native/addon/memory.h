#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds `releaseUnusedMemory`.
void add_memory(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
