#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds spawn, openPidfd, signalPidfd and the class PidWatcher.
void add_process(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
