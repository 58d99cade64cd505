// What root of a user namespace is refused on this machine.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen {

// One thing that the kernel let only root of the machine do when it was tried.
struct RefusedPrivilege {
  std::string what;  // for a person: "kernel modules"
  std::string code;  // "EPERM"
};

// Tries, as the caller, all that a program in a privileged container may count on, each in a way that changes
// nothing even where it is allowed. `scratch` is a directory to make a device node in, which is removed.
// What this kernel or machine does not have (modules, disks) is left out.
std::vector<RefusedPrivilege> refused_privileges(const Fd& scratch);

}  // namespace lichen
