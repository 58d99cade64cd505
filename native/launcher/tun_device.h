// The TUN device, which both uplink programs need and about whose absence their own messages are poor.
#pragma once

#include <string>

#include "core/result.h"

namespace lichen::launcher {

inline constexpr const char* kTunDevice = "/dev/net/tun";

// Whether `path` can be opened and is the TUN device, with a driver behind it. ENOENT, EACCES, ENODEV …;
// ENOTTY for anything else than that device.
Status try_tun_device(const std::string& path = kTunDevice);

// The command that mends what try_tun_device() has found.
std::string tun_hint(const Error& error);

}  // namespace lichen::launcher
