// Furnishing a pod's network namespace.
#pragma once

#include <optional>

#include "core/links.h"
#include "monitor/pod_setup.h"

namespace lichen::monitor {

// In the pod's fresh network namespace: loopback up; with an interface a veth pair whose other end, made
// through `node` (a socket of the node's namespace), joins the bridge there; addresses and default routes. It
// all ends with the namespace.
Status set_up_network(Netlink& node, const std::optional<PodInterface>& interface);

}  // namespace lichen::monitor
