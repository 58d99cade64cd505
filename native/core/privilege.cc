#include "core/privilege.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "core/text.h"

namespace lichen {

namespace {

// Each gives the errno of the refusal, or 0 (any other errno) where the caller may.

int try_device_node(const Fd& scratch) {
  const std::string name = ".lichen-node-" + std::to_string(getpid());
  // The null device: 0, 0 would be a whiteout, which anybody may make.
  if (mknodat(scratch.get(), name.c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) return errno;
  unlinkat(scratch.get(), name.c_str(), 0);
  return 0;
}

// No descriptor holds a module: EBADF for who may load one.
int try_module() { return syscall(SYS_finit_module, -1, "", 0) == 0 ? 0 : errno; }

// The kernel's first file system for disks, created without a disk.
int try_disk_file_system() {
  auto known = read_file("/proc/filesystems");
  if (!known) return ENODEV;
  for (std::string_view line : split(*known.operator->(), '\n')) {
    if (line.empty() || line[0] != '\t' || line == "\tfuseblk") continue;  // "nodev\t…" needs no disk
    Fd context(static_cast<int>(syscall(SYS_fsopen, std::string(line.substr(1)).c_str(), FSOPEN_CLOEXEC)));
    if (!context) return errno;
    return syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) == 0 ? 0 : errno;
  }
  return ENODEV;
}

// By their permissions alone: opening a device may set something off.
int try_block_devices() {
  std::unique_ptr<DIR, int (*)(DIR*)> devices(opendir("/dev"), closedir);
  if (!devices) return ENODEV;
  while (const dirent* entry = readdir(devices.get())) {
    if (entry->d_type != DT_BLK) continue;
    if (faccessat(dirfd(devices.get()), entry->d_name, R_OK | W_OK, AT_EACCESS) != 0) return errno;
  }
  return 0;
}

int try_sysctl() { return Fd(open("/proc/sys/kernel/panic", O_WRONLY | O_CLOEXEC)) ? 0 : errno; }

// A tick of 0 is out of range: EINVAL for who may set the clock.
int try_clock() {
  timex change{};
  change.modes = ADJ_TICK;
  return adjtimex(&change) >= 0 ? 0 : errno;
}

// Its instructions are nowhere: EFAULT for who may load programs.
int try_bpf() {
  bpf_attr program{};
  program.prog_type = BPF_PROG_TYPE_KPROBE;
  program.insn_cnt = 1;
  return syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program) >= 0 ? 0 : errno;
}

int try_kernel_log() {
  constexpr int kSizeOfBuffer = 10;
  return klogctl(kSizeOfBuffer, nullptr, 0) >= 0 ? 0 : errno;
}

}  // namespace

std::vector<RefusedPrivilege> refused_privileges(const Fd& scratch) {
  const struct {
    const char* what;
    int number;
  } trials[] = {
      {"device nodes (mknod)", try_device_node(scratch)},
      {"kernel modules", try_module()},
      {"file systems on disks", try_disk_file_system()},
      {"block devices", try_block_devices()},
      {"sysctls of the whole machine", try_sysctl()},
      {"the clock", try_clock()},
      {"eBPF programs", try_bpf()},
      {"the kernel's log", try_kernel_log()},
  };
  std::vector<RefusedPrivilege> refused;
  for (const auto& [what, number] : trials)
    if (number == EPERM || number == EACCES) refused.push_back({what, errno_name(number)});
  return refused;
}

}  // namespace lichen
