// Kernel parameters of a pod's own namespaces, /proc/sys (sysctl(8)).
#pragma once

#include <string>

#include "core/result.h"

namespace lichen {

enum class SysctlNamespace { network, ipc };

// Which namespace keeps this parameter apart for a pod. UNSAFE_SYSCTL for those that would change the node;
// INVALID_SYSCTL for malformed names.
Result<SysctlNamespace> sysctl_namespace(const std::string& name);

// "net.ipv4.conf.eth0/1.forwarding" is the file net/ipv4/conf/eth0.1/forwarding. Names with slashes as
// separators are taken too.
std::string sysctl_path(const std::string& name);

// Writes a parameter as the calling process's namespaces see it.
Status set_sysctl(const std::string& name, const std::string& value);

}  // namespace lichen
