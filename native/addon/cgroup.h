#pragma once

#include <napi.h>

namespace lichen::addon {

// Adds createCgroup, cgroupPopulated, killCgroup and removeCgroup (core/cgroup.h).
void add_cgroup(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
