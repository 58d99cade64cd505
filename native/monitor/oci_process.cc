#include "monitor/oci_process.h"

namespace lichen::monitor {

namespace {

constexpr int64_t kMaxId = UINT32_MAX - 1;  // the last one means "no id" to the kernel

Result<Capabilities> read_capabilities(const JsonReader& reader) {
  Capabilities sets;
  LICHEN_ASSIGN(sets.bounding, parse_capabilities(reader.texts("bounding")));
  LICHEN_ASSIGN(sets.effective, parse_capabilities(reader.texts("effective")));
  LICHEN_ASSIGN(sets.permitted, parse_capabilities(reader.texts("permitted")));
  LICHEN_ASSIGN(sets.inheritable, parse_capabilities(reader.texts("inheritable")));
  LICHEN_ASSIGN(sets.ambient, parse_capabilities(reader.texts("ambient")));
  return sets;
}

Credentials read_user(const JsonReader& reader) {
  Credentials user;
  user.uid = static_cast<uid_t>(reader.number("uid", 0, 0, kMaxId));
  user.gid = static_cast<gid_t>(reader.number("gid", 0, 0, kMaxId));
  for (const JsonReader& group : reader.list("additionalGids"))
    user.groups.push_back(static_cast<gid_t>(group.as_unsigned(kMaxId)));
  return user;
}

}  // namespace

Result<OciProcess> read_oci_process(const JsonDocument& document, const JsonReader& reader) {
  OciProcess process;
  process.args = reader.texts("args");
  if (process.args.empty() || process.args[0].empty()) reader.refuse("args", "names no command");
  process.environment = reader.texts("env");
  process.directory = reader.text("cwd", "/");
  if (!process.directory.starts_with('/')) reader.refuse("cwd", "must be an absolute path");
  process.user = read_user(reader.object("user"));
  process.umask = static_cast<unsigned>(reader.object("user").number("umask", 022, 0, 0777));
  process.no_new_privileges = reader.flag("noNewPrivileges");
  process.apparmor_profile = reader.text("apparmorProfile");
  if (process.apparmor_profile == "unconfined") process.apparmor_profile.clear();
  process.apparmor_default = reader.text("apparmorDefault");
  JsonReader size = reader.object("consoleSize");
  process.terminal_size.columns = static_cast<unsigned short>(size.number("width", 80, 0, UINT16_MAX));
  process.terminal_size.rows = static_cast<unsigned short>(size.number("height", 24, 0, UINT16_MAX));
  process.selinux_label = reader.text("selinuxLabel");
  for (const char* key : {"scheduler", "ioPriority", "execCPUAffinity"})
    if (reader.has(key)) reader.refuse(key, "is not supported");
  auto sets = read_capabilities(reader.object("capabilities"));
  for (const JsonReader& entry : reader.list("rlimits")) {
    std::string type = entry.required_text("type");
    uint64_t soft = entry.unsigned_number("soft", 0);
    uint64_t hard = entry.unsigned_number("hard", 0);
    LICHEN_TRY(document.status());
    LICHEN_ASSIGN(ResourceLimit limit, make_rlimit(type, soft, hard));
    process.limits.push_back(std::move(limit));
  }
  LICHEN_TRY(document.status());
  LICHEN_ASSIGN(process.capabilities, std::move(sets));
  return process;
}

}  // namespace lichen::monitor
