// The addon's registration: each subject's file adds its own exports.
#include <napi.h>

namespace {

Napi::Object init(Napi::Env, Napi::Object exports) { return exports; }

}  // namespace

NODE_API_MODULE(lichen, init)
