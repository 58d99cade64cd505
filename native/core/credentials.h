// Which user a process is (credentials(7)).
#pragma once

#include <sys/types.h>

#include <vector>

#include "core/result.h"

namespace lichen {

struct Credentials {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // supplementary
};

// setgroups, setresgid, setresuid, with the permitted capabilities kept (PR_SET_KEEPCAPS); the effective ones
// are gone for another uid than 0 until set again. EINVAL means an id that the user namespace does not map.
Status become(const Credentials& wanted);

}  // namespace lichen
