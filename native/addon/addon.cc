// The addon's registration: each subject's file adds its own exports.
#include <napi.h>

#include "addon/layer.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  lichen::addon::add_layer(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(lichen, init)
