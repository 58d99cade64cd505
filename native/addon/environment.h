// What the addon keeps for each Node environment (main thread, each worker) that loads it.
#pragma once

#include <napi.h>

#include <memory>

#include "core/usage_reader.h"

namespace lichen::addon {

struct Environment {
  Napi::FunctionReference fd_class;
  // Shared with readings that are under way when the environment ends.
  std::shared_ptr<UsageReader> usage_reader = std::make_shared<UsageReader>();
};

inline Environment& environment(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

}  // namespace lichen::addon
