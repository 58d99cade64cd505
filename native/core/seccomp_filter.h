// Seccomp filters as the kernel takes them: compiled from a profile by libseccomp, kept in a memfd, loaded by
// seccomp(2).
#pragma once

#include <string>

#include "core/fd.h"
#include "core/result.h"
#include "core/seccomp_profile.h"

namespace lichen {

struct SeccompFilter {
  unsigned flags = 0;   // SECCOMP_FILTER_FLAG_*
  std::string program;  // sock_filter instructions
};

// Errors: INVALID_SECCOMP for unknown actions, architectures, operators or flags. System call names that
// libseccomp does not know are left to the default action, unless that would let through what the profile
// forbids. Calls newer than libseccomp answer ENOSYS under a profile that forbids by default, so that
// programs fall back to older ones; those that the profile names without arguments get the profile's answer.
Result<SeccompFilter> compile_seccomp(const SeccompProfile& profile);

// A sealed memfd, for handing a filter on to other processes: compiling one takes some milliseconds.
Result<Fd> save_seccomp(const SeccompFilter& filter);
Result<SeccompFilter> load_saved_seccomp(const Fd& memfd);

// Puts the calling process under the filter for good. Takes no_new_privs or CAP_SYS_ADMIN.
Status apply_seccomp(const SeccompFilter& filter);

}  // namespace lichen
