#include "core/rlimits.h"

#include <sys/resource.h>

namespace lichen {

namespace {

struct Name {
  const char* name;
  int resource;
};

constexpr Name kNames[] = {{"RLIMIT_AS", RLIMIT_AS},
                           {"RLIMIT_CORE", RLIMIT_CORE},
                           {"RLIMIT_CPU", RLIMIT_CPU},
                           {"RLIMIT_DATA", RLIMIT_DATA},
                           {"RLIMIT_FSIZE", RLIMIT_FSIZE},
                           {"RLIMIT_LOCKS", RLIMIT_LOCKS},
                           {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                           {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                           {"RLIMIT_NICE", RLIMIT_NICE},
                           {"RLIMIT_NOFILE", RLIMIT_NOFILE},
                           {"RLIMIT_NPROC", RLIMIT_NPROC},
                           {"RLIMIT_RSS", RLIMIT_RSS},
                           {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                           {"RLIMIT_RTTIME", RLIMIT_RTTIME},
                           {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
                           {"RLIMIT_STACK", RLIMIT_STACK}};

}  // namespace

Result<ResourceLimit> make_rlimit(const std::string& name, uint64_t soft, uint64_t hard) {
  for (const Name& known : kNames) {
    if (name != known.name) continue;
    if (soft > hard)
      return plain_error(
          "INVALID_RLIMIT", "read resource limits", name,
          "soft limit " + std::to_string(soft) + " is above the hard one " + std::to_string(hard));
    return ResourceLimit{known.resource, name, soft, hard};
  }
  return plain_error("UNKNOWN_RLIMIT", "read resource limits", "\"" + name + "\"", "no such limit");
}

Status apply_rlimits(const std::vector<ResourceLimit>& limits) {
  for (const ResourceLimit& limit : limits) {
    rlimit value{limit.soft, limit.hard};
    if (setrlimit(static_cast<__rlimit_resource>(limit.resource), &value) != 0)
      return sys_error("setrlimit",
                       limit.name + " " + std::to_string(limit.soft) + ":" + std::to_string(limit.hard));
  }
  return {};
}

}  // namespace lichen
