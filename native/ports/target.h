// Where a published port leads: a pod's addresses, and how its sockets are made.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/socket_address.h"

namespace lichen::ports {

struct Target {
  std::vector<SocketAddress> pods;  // the pod's addresses with the port, at most one of each family
  // Whether the node routes answers to a foreign source address back here (IP_TRANSPARENT).
  bool keep_client = false;
  // Clients in these networks reach the pod, and are reached by it, without the node between them.
  std::vector<IpAddress> pod_networks;
};

// The pod's address for a client: of the client's family where the pod has one, else whatever it has.
const SocketAddress& choose_pod(const Target& target, const SocketAddress& client);

// The source address that the pod is to see: the client's own; nothing where that cannot work, and the
// kernel's choice (the bridge's address) must do: loopback and link-local clients, clients of another family
// than the pod's address, clients beside the pod.
std::optional<SocketAddress> source_for(const Target& target, const SocketAddress& client);

// A non-blocking socket of `type` whose connection to the pod is made or being made (EINPROGRESS). It has
// the source address that source_for() says, and the client's port too where that is free.
Result<Fd> connect_to_pod(const Target& target, const SocketAddress& client, int type);

}  // namespace lichen::ports
