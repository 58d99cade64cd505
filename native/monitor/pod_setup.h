// What the daemon asks a pod to be: PodSetup of PROTOCOL.md.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ip_address.h"
#include "core/json.h"
#include "core/user_namespace.h"

namespace lichen::monitor {

struct PodInterface {
  std::string bridge;
  std::string host;  // name of the node's end of the veth pair
  std::string name;  // name of the pod's end
  std::vector<IpAddress> addresses;
  std::vector<IpAddress> gateways;
  uint32_t mtu = 0;
  bool isolated = false;      // from other isolated pods on the bridge
  uint64_t ingress_bits = 0;  // a second, to the pod; 0: no limit
  uint64_t egress_bits = 0;   // a second, from the pod
};

struct PodSetup {
  std::string hostname;
  bool own_network = false;
  bool own_ipc = false;
  bool shared_pid = false;  // one PID namespace for all containers, with an init
  std::vector<std::pair<std::string, std::string>> sysctls;
  uint64_t shm_size = 0;
  std::optional<PodInterface> interface;
  std::string scope;                // directory of the systemd scope that the monitor is in, "" for none
  std::optional<NestedIdMap> user;  // the map of the pod's own user namespace
};

// Checks all of it, sysctls against the namespaces too. Mistakes of type are left to the document's status().
Result<PodSetup> read_pod_setup(const JsonReader& reader);

}  // namespace lichen::monitor
