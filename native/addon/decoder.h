#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds `decoder`: gzip and zstd of layers, zlib of SPDY's headers.
void add_decoder(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
