// core/usage_reader.h for JavaScript.
#pragma once

#include <napi.h>

namespace lichen::addon {

void add_usage(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
