#include "core/seccomp_profile.h"

namespace lichen {

namespace {

constexpr int64_t kMaxErrno = 0xffff;  // SECCOMP_RET_DATA

std::optional<unsigned> errno_member(const JsonReader& reader, const char* key) {
  auto value = reader.optional_number(key, 0, kMaxErrno);
  if (!value) return {};
  return static_cast<unsigned>(*value);
}

}  // namespace

SeccompProfile read_seccomp_profile(const JsonReader& reader) {
  SeccompProfile profile;
  profile.default_action = reader.required_text("defaultAction");
  profile.default_errno = errno_member(reader, "defaultErrnoRet");
  profile.architectures = reader.texts("architectures");
  profile.flags = reader.texts("flags");
  if (reader.has("listenerPath"))
    reader.refuse("listenerPath", "is not supported: there is no seccomp agent");
  for (const JsonReader& entry : reader.list("syscalls")) {
    SeccompRule rule;
    rule.names = entry.texts("names");
    rule.action = entry.required_text("action");
    rule.errno_value = errno_member(entry, "errnoRet");
    for (const JsonReader& argument : entry.list("args"))
      rule.arguments.push_back({static_cast<unsigned>(argument.number("index", 0, 0, 5)),
                                argument.unsigned_number("value", 0), argument.unsigned_number("valueTwo", 0),
                                argument.required_text("op")});
    profile.rules.push_back(std::move(rule));
  }
  return profile;
}

}  // namespace lichen
