// The traffic of network interfaces: proc_pid_net(5).
#pragma once

#include <string_view>
#include <vector>

#include "core/usage_figures.h"

namespace lichen {

// The lines of /proc/PID/net/dev but for loopback's: `name: ` eight figures received, eight transmitted,
// below two lines of headings.
std::vector<InterfaceTraffic> parse_net_dev(std::string_view text);

}  // namespace lichen
