// The addon's registration: each subject's file adds its own exports.
#include <napi.h>

#include "addon/cgroup.h"
#include "addon/channel.h"
#include "addon/decoder.h"
#include "addon/environment.h"
#include "addon/fd_object.h"
#include "addon/layer.h"
#include "addon/memory.h"
#include "addon/mounts.h"
#include "addon/network.h"
#include "addon/process.h"
#include "addon/security.h"
#include "addon/shift.h"
#include "addon/usage.h"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  using namespace lichen::addon;
  env.SetInstanceData(new Environment);  // freed with the environment
  add_fd(env, exports);
  add_channel(env, exports);
  add_process(env, exports);
  add_mounts(env, exports);
  add_cgroup(env, exports);
  add_network(env, exports);
  add_layer(env, exports);
  add_decoder(env, exports);
  add_memory(env, exports);
  add_shift(env, exports);
  add_security(env, exports);
  add_usage(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(lichen, init)
