#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds `layer`: the functions of core/layer_batch.h and core/layer_settle.h.
void add_layer(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
