// core/resident.h for JavaScript.
#include "addon/memory.h"

#include "addon/convert.h"
#include "core/resident.h"

namespace lichen::addon {

namespace {

// releaseUnusedMemory()
Napi::Value release(const Napi::CallbackInfo& info) {
  auto released = release_unused_memory();
  if (!released) return throw_error(info.Env(), released.error());
  return info.Env().Undefined();
}

}  // namespace

void add_memory(Napi::Env env, Napi::Object exports) {
  exports.Set("releaseUnusedMemory", Napi::Function::New(env, release, "releaseUnusedMemory"));
}

}  // namespace lichen::addon
