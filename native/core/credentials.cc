#include "core/credentials.h"

#include <grp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace lichen {

namespace {

// EINVAL says little: the id is outside the range that /etc/subuid and /etc/subgid gave to the node.
Error id_error(const char* call, const std::string& object) {
  Error error = sys_error(call, object);
  if (error.number == EINVAL) error.cause += ": not mapped in the node's user namespace";
  return error;
}

}  // namespace

Status become(const Credentials& wanted) {
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return sys_error("prctl", "PR_SET_KEEPCAPS");
  // A namespace that maps one id only has setgroups(2) denied: whoever asks for no groups keeps the node's.
  if (setgroups(wanted.groups.size(), wanted.groups.data()) != 0 &&
      !(errno == EPERM && wanted.groups.empty())) {
    std::string list;
    for (gid_t group : wanted.groups) list += (list.empty() ? "" : ",") + std::to_string(group);
    return id_error("setgroups", list);
  }
  if (setresgid(wanted.gid, wanted.gid, wanted.gid) != 0)
    return id_error("setresgid", std::to_string(wanted.gid));
  if (setresuid(wanted.uid, wanted.uid, wanted.uid) != 0)
    return id_error("setresuid", std::to_string(wanted.uid));
  return {};
}

}  // namespace lichen
