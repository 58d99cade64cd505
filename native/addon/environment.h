// What the addon keeps for each Node environment (main thread, each worker) that loads it.
#pragma once

#include <napi.h>

namespace lichen::addon {

struct Environment {
  Napi::FunctionReference fd_class;
};

inline Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

}  // namespace lichen::addon
