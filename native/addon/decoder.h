#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds `decoder`: gzip and zstd of layers.
void add_decoder(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
