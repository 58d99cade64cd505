#include "monitor/pod_setup.h"

#include "core/sysctl.h"

namespace lichen::monitor {

namespace {

constexpr size_t kMaxHostname = 64;  // __NEW_UTS_LEN
constexpr uint64_t kDefaultShmSize = 64 << 20;

// Whether a choice is its first word; neither is a mistake.
bool choice(const JsonReader& reader, const char* key, const char* yes,
            std::initializer_list<const char*> no) {
  std::string value = reader.required_text(key);
  if (value == yes) return true;
  std::string allowed = yes;
  for (const char* word : no) {
    if (value == word) return false;
    allowed += std::string(", ") + word;
  }
  reader.refuse(key, "must be one of: " + allowed);
  return false;
}

Result<std::vector<IpAddress>> read_addresses(const std::vector<std::string>& texts) {
  std::vector<IpAddress> addresses;
  for (const std::string& text : texts) {
    LICHEN_ASSIGN(IpAddress address, parse_ip(text));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

Result<PodInterface> read_interface(const JsonReader& reader) {
  PodInterface interface;
  interface.bridge = reader.required_text("bridge");
  interface.host = reader.required_text("host");
  interface.name = reader.required_text("name");
  interface.mtu = static_cast<uint32_t>(reader.number("mtu", 0, 0, 65535));
  interface.isolated = reader.flag("isolated");
  interface.ingress_bits = reader.unsigned_number("ingressBits", 0);
  interface.egress_bits = reader.unsigned_number("egressBits", 0);
  LICHEN_ASSIGN(interface.addresses, read_addresses(reader.texts("addresses")));
  LICHEN_ASSIGN(interface.gateways, read_addresses(reader.texts("gateways")));
  return interface;
}

std::vector<IdExtent> read_id_map(const JsonReader& reader, const char* key) {
  std::vector<IdExtent> extents;
  for (const JsonReader& entry : reader.list(key)) {
    IdExtent extent;
    extent.inside = static_cast<uint32_t>(entry.number("inside", 0, 0, UINT32_MAX - 1));
    extent.outside = static_cast<uint32_t>(entry.number("outside", 0, 0, UINT32_MAX - 1));
    extent.count = static_cast<uint32_t>(entry.number("count", 0, 1, UINT32_MAX));
    extents.push_back(extent);
  }
  if (outer_id(extents, 0) == UINT32_MAX) reader.refuse(key, "must map id 0 of the pod");
  return extents;
}

bool is_clean_path(const std::string& path) {
  return path.starts_with('/') && (path + "/").find("/../") == std::string::npos;
}

Status check_sysctls(const PodSetup& setup) {
  for (const auto& [name, value] : setup.sysctls) {
    LICHEN_ASSIGN(SysctlNamespace kind, sysctl_namespace(name));
    bool own = kind == SysctlNamespace::network ? setup.own_network : setup.own_ipc;
    if (!own)
      return plain_error("UNSAFE_SYSCTL", "set sysctl", "\"" + name + "\"",
                         "the pod uses the node's namespace, which it would change");
  }
  return {};
}

}  // namespace

Result<PodSetup> read_pod_setup(const JsonReader& reader) {
  PodSetup setup;
  setup.hostname = reader.text("hostname");
  if (setup.hostname.size() > kMaxHostname) reader.refuse("hostname", "is longer than 64 bytes");
  setup.own_network = choice(reader, "network", "pod", {"node"});
  setup.own_ipc = choice(reader, "ipc", "pod", {"node"});
  setup.shared_pid = choice(reader, "pid", "pod", {"container", "node"});
  setup.sysctls = reader.text_members("sysctls");
  setup.shm_size = reader.unsigned_number("shmSize", kDefaultShmSize);
  setup.scope = reader.text("scope");
  if (!setup.scope.empty() && !is_clean_path(setup.scope))
    reader.refuse("scope", "must be an absolute path without ..");
  if (reader.has("interface")) {
    if (!setup.own_network) reader.refuse("interface", "is for pods with a network of their own");
    LICHEN_ASSIGN(setup.interface, read_interface(reader.object("interface")));
  }
  if (reader.has("user")) {
    JsonReader user = reader.object("user");
    setup.user = NestedIdMap{read_id_map(user, "uids"), read_id_map(user, "gids")};
  }
  LICHEN_TRY(check_sysctls(setup));
  return setup;
}

}  // namespace lichen::monitor
