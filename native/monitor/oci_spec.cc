#include "monitor/oci_spec.h"

namespace lichen::monitor {

namespace {

std::vector<IdExtent> read_id_mappings(const JsonReader& reader, const char* key) {
  std::vector<IdExtent> extents;
  for (const JsonReader& entry : reader.list(key))
    extents.push_back({static_cast<uint32_t>(entry.number("containerID", 0, 0, UINT32_MAX)),
                       static_cast<uint32_t>(entry.number("hostID", 0, 0, UINT32_MAX)),
                       static_cast<uint32_t>(entry.number("size", 0, 1, UINT32_MAX))});
  return extents;
}

Result<OciMount> read_mount(const JsonReader& reader) {
  OciMount mount;
  mount.destination = reader.required_text("destination");
  if (!mount.destination.starts_with('/')) reader.refuse("destination", "must be an absolute path");
  mount.source = reader.text("source");
  LICHEN_ASSIGN(mount.options, parse_mount_options(reader.texts("options")));
  mount.type = reader.text("type");
  if (mount.options.bind || mount.type == "bind") {
    if (!mount.options.bind) mount.options.recursive_bind = true;
    mount.options.bind = true;
    mount.type = "bind";
    if (mount.source.empty()) reader.refuse("source", "is missing");
  }
  mount.id_map = {read_id_mappings(reader, "uidMappings"), read_id_mappings(reader, "gidMappings")};
  if (!mount.options.bind && !mount.id_map.uids.empty()) reader.refuse("uidMappings", "is for bind mounts");
  return mount;
}

DeviceNode read_device(const JsonReader& reader) {
  DeviceNode device;
  device.path = reader.required_text("path");
  device.source = reader.text("source", device.path);
  device.writable = reader.text("permissions", "rwm").find('w') != std::string::npos;
  return device;
}

void refuse_unsupported(const JsonReader& root, const JsonReader& linux_part) {
  JsonReader hooks = root.object("hooks");
  for (const char* key :
       {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"})
    if (!hooks.list(key).empty()) hooks.refuse(key, "is not supported");
  if (!root.text("domainname").empty()) root.refuse("domainname", "is not supported");
  for (const char* key : {"personality", "intelRdt", "timeOffsets"})
    if (linux_part.has(key)) linux_part.refuse(key, "is not supported");
}

}  // namespace

Result<OciSpec> read_oci_spec(std::string_view text) {
  LICHEN_ASSIGN(JsonDocument document, JsonDocument::parse(text, "OCI spec"));
  JsonReader root = document.root();
  JsonReader linux_part = root.object("linux");
  OciSpec spec;
  spec.readonly_root = root.object("root").flag("readonly");
  for (const JsonReader& entry : root.list("mounts")) {
    auto mount = read_mount(entry);
    if (!mount) return std::move(mount).error().within(entry.path());
    spec.mounts.push_back(std::move(mount).value());
  }
  for (const JsonReader& entry : linux_part.list("devices")) spec.devices.push_back(read_device(entry));
  spec.masked_paths = linux_part.texts("maskedPaths");
  spec.readonly_paths = linux_part.texts("readonlyPaths");
  if (linux_part.has("seccomp")) spec.seccomp = read_seccomp_profile(linux_part.object("seccomp"));
  if (std::string propagation = linux_part.text("rootfsPropagation"); !propagation.empty()) {
    LICHEN_ASSIGN(MountOptions options, parse_mount_options({propagation}));
    spec.root_propagation = options.propagation;
    if (spec.root_propagation == 0) linux_part.refuse("rootfsPropagation", "names no propagation");
  }
  refuse_unsupported(root, linux_part);
  LICHEN_ASSIGN(spec.process, read_oci_process(document, root.object("process")));
  LICHEN_TRY(document.status());
  return spec;
}

}  // namespace lichen::monitor
