// The resolv.conf(5) of the node.
#pragma once

#include <string>
#include <string_view>

namespace lichen::launcher {

// The host's text with the uplink's forwarder as first server. The host's own servers stay behind it, as
// older pasta forwards UDP only, except those on loopback, which the node cannot reach. Search list and
// options stay. With an empty `forwarder` the text is the host's.
std::string node_resolv_conf(std::string_view host, const std::string& forwarder);

}  // namespace lichen::launcher
