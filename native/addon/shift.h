#pragma once

#include <napi.h>

namespace lichen::addon {

void add_shift(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
