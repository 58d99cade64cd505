#include "launcher/node_info.h"

#include "core/json.h"

namespace lichen::launcher {

namespace {

std::string texts(const std::vector<std::string>& values) {
  std::vector<std::string> quoted;
  for (const std::string& value : values) quoted.push_back(json_quote(value));
  return json_list(quoted);
}

std::string extents(const std::vector<IdExtent>& values) {
  std::vector<std::string> triples;
  for (const IdExtent& extent : values) {
    triples.push_back(json_list(
        {std::to_string(extent.inside), std::to_string(extent.outside), std::to_string(extent.count)}));
  }
  return json_list(triples);
}

std::string id_map(const IdMapping& ids) {
  return JsonObject()
      .flag("single", ids.single)
      .raw("uids", extents(ids.uids))
      .raw("gids", extents(ids.gids))
      .str();
}

// Without an uplink the fields are there and empty.
std::string uplink(const UplinkState& state) {
  bool up = state.kind != "none";
  return JsonObject()
      .text("kind", state.kind)
      .text("interface", up ? kUplinkInterface : "")
      .text("address", up ? state.subnet.address : "")
      .number("prefix", up ? state.subnet.prefix : 0)
      .text("gateway", up ? state.subnet.gateway : "")
      .text("address6", up ? state.subnet.address6 : "")
      .text("gateway6", up ? state.subnet.gateway6 : "")
      .flag("hostLoopback", up && state.host_loopback)
      .raw("dns", up ? texts({state.subnet.dns}) : "[]")
      .number("mtu", kUplinkMtu)
      .text("cidr", state.subnet.cidr)
      .text("reason", state.reason)
      .text("down", state.down)
      .str();
}

std::string warnings(const Warnings& values) {
  std::vector<std::string> objects;
  for (const Warning& warning : values) {
    objects.push_back(JsonObject()
                          .text("code", warning.code)
                          .text("message", warning.message)
                          .text("hint", warning.hint)
                          .str());
  }
  return json_list(objects);
}

std::string user_manager(const UserManager& manager) {
  return JsonObject()
      .text("socket", manager.socket)
      .text("hostPath", manager.path)
      .raw("controllers", texts(manager.controllers))
      .text("reason", manager.reason)
      .str();
}

std::string namespaces(const NamespaceIds& ids) {
  return JsonObject()
      .number("user", static_cast<int64_t>(ids.user))
      .number("mount", static_cast<int64_t>(ids.mount))
      .number("network", static_cast<int64_t>(ids.network))
      .number("cgroup", static_cast<int64_t>(ids.cgroup))
      .str();
}

uint64_t read_inode(const JsonReader& namespaces, const char* key) {
  return static_cast<uint64_t>(namespaces.number(key, 0, 0));
}

}  // namespace

std::string format_node_info(const NodeInfo& info) {
  std::string cgroup = JsonObject()
                           .flag("delegated", info.cgroup_delegated)
                           .text("hostPath", info.cgroup_path)
                           .raw("controllers", texts(info.controllers))
                           .text("reason", info.cgroup_reason)
                           .raw("manager", user_manager(info.manager))
                           .str();
  return JsonObject()
             .number("version", 1)
             .number("uid", info.uid)
             .number("gid", info.gid)
             .raw("idMap", id_map(info.ids))
             .raw("uplink", uplink(info.uplink))
             .raw("cgroup", cgroup)
             .raw("namespaces", namespaces(info.namespaces))
             .raw("warnings", warnings(info.warnings))
             .str() +
         "\n";
}

Result<NodeInfo> parse_node_info(std::string_view text) {
  LICHEN_ASSIGN(JsonDocument document, JsonDocument::parse(text, "node.json"));
  JsonReader root = document.root();
  NodeInfo info;
  info.uid = static_cast<uid_t>(root.number("uid", -1, 0, UINT32_MAX));
  info.gid = static_cast<gid_t>(root.number("gid", -1, 0, UINT32_MAX));

  JsonReader uplink = root.object("uplink");
  info.uplink.kind = uplink.required_text("kind");
  info.uplink.reason = uplink.text("reason");
  Subnet& subnet = info.uplink.subnet;
  subnet.cidr = uplink.text("cidr");
  subnet.address = uplink.text("address");
  subnet.gateway = uplink.text("gateway");
  subnet.address6 = uplink.text("address6");
  subnet.gateway6 = uplink.text("gateway6");
  info.uplink.host_loopback = uplink.flag("hostLoopback");
  subnet.prefix = static_cast<int>(uplink.number("prefix", 0, 0, 32));
  for (const std::string& server : uplink.texts("dns")) subnet.dns = server;

  JsonReader cgroup = root.object("cgroup");
  info.cgroup_delegated = cgroup.flag("delegated");
  info.cgroup_path = cgroup.text("hostPath");
  info.controllers = cgroup.texts("controllers");
  info.cgroup_reason = cgroup.text("reason");

  JsonReader manager = cgroup.object("manager");
  info.manager.socket = manager.text("socket");
  info.manager.path = manager.text("hostPath");
  info.manager.controllers = manager.texts("controllers");
  info.manager.reason = manager.text("reason");

  JsonReader namespaces = root.object("namespaces");
  info.namespaces = {read_inode(namespaces, "user"), read_inode(namespaces, "mount"),
                     read_inode(namespaces, "network"), read_inode(namespaces, "cgroup")};

  for (const JsonReader& warning : root.list("warnings"))
    info.warnings.push_back({warning.text("code"), warning.text("message"), warning.text("hint")});
  LICHEN_TRY(document.status());
  return info;
}

}  // namespace lichen::launcher
