#include "core/seccomp_filter.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace lichen {

Result<Fd> save_seccomp(const SeccompFilter& filter) {
  Fd memfd(memfd_create("seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memfd) return sys_error("memfd_create", "seccomp");
  LICHEN_TRY(write_all(memfd, &filter.flags, sizeof filter.flags));
  LICHEN_TRY(write_all(memfd, filter.program.data(), filter.program.size()));
  if (fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    return sys_error("fcntl", "F_ADD_SEALS");
  return memfd;
}

Result<SeccompFilter> load_saved_seccomp(const Fd& memfd) {
  SeccompFilter filter;
  // Reads at offsets: the position is shared with every other copy of the descriptor.
  off_t size = lseek(memfd.get(), 0, SEEK_END);
  off_t program = sizeof filter.flags;
  if (size < program || pread(memfd.get(), &filter.flags, sizeof filter.flags, 0) != program)
    return sys_error("read", "seccomp filter", EINVAL);
  filter.program.resize(static_cast<size_t>(size - program));
  if (pread(memfd.get(), filter.program.data(), filter.program.size(), program) != size - program)
    return sys_error("read", "seccomp filter", EIO);
  return filter;
}

Status apply_seccomp(const SeccompFilter& filter) {
  sock_fprog program{};
  program.len = static_cast<unsigned short>(filter.program.size() / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(const_cast<char*>(filter.program.data()));
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter.flags, &program) != 0)
    return sys_error("seccomp", std::to_string(program.len) + " instructions");
  return {};
}

}  // namespace lichen
