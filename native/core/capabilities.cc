#include "core/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace lichen {

namespace {

// Index is the capability's number (<linux/capability.h>).
constexpr std::array kNames = {"CAP_CHOWN",
                               "CAP_DAC_OVERRIDE",
                               "CAP_DAC_READ_SEARCH",
                               "CAP_FOWNER",
                               "CAP_FSETID",
                               "CAP_KILL",
                               "CAP_SETGID",
                               "CAP_SETUID",
                               "CAP_SETPCAP",
                               "CAP_LINUX_IMMUTABLE",
                               "CAP_NET_BIND_SERVICE",
                               "CAP_NET_BROADCAST",
                               "CAP_NET_ADMIN",
                               "CAP_NET_RAW",
                               "CAP_IPC_LOCK",
                               "CAP_IPC_OWNER",
                               "CAP_SYS_MODULE",
                               "CAP_SYS_RAWIO",
                               "CAP_SYS_CHROOT",
                               "CAP_SYS_PTRACE",
                               "CAP_SYS_PACCT",
                               "CAP_SYS_ADMIN",
                               "CAP_SYS_BOOT",
                               "CAP_SYS_NICE",
                               "CAP_SYS_RESOURCE",
                               "CAP_SYS_TIME",
                               "CAP_SYS_TTY_CONFIG",
                               "CAP_MKNOD",
                               "CAP_LEASE",
                               "CAP_AUDIT_WRITE",
                               "CAP_AUDIT_CONTROL",
                               "CAP_SETFCAP",
                               "CAP_MAC_OVERRIDE",
                               "CAP_MAC_ADMIN",
                               "CAP_SYSLOG",
                               "CAP_WAKE_ALARM",
                               "CAP_BLOCK_SUSPEND",
                               "CAP_AUDIT_READ",
                               "CAP_PERFMON",
                               "CAP_BPF",
                               "CAP_CHECKPOINT_RESTORE"};
static_assert(kNames.size() == CAP_LAST_CAP + 1);

std::string name_of(unsigned number) {
  return number < kNames.size() ? kNames[number] : "capability " + std::to_string(number);
}

constexpr CapabilitySet bit(unsigned number) { return CapabilitySet{1} << number; }

}  // namespace

Result<CapabilitySet> parse_capabilities(const std::vector<std::string>& names) {
  CapabilitySet set = 0;
  for (const std::string& name : names) {
    unsigned number = 0;
    while (number < kNames.size() && name != kNames[number]) number++;
    if (number == kNames.size())
      return plain_error("UNKNOWN_CAPABILITY", "read capabilities", "\"" + name + "\"", "no such capability");
    set |= bit(number);
  }
  return set;
}

CapabilitySet all_capabilities() {
  CapabilitySet set = 0;
  for (unsigned number = 0; number < 64 && prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
    set |= bit(number);
  return set;
}

Status limit_bounding_set(CapabilitySet keep) {
  for (unsigned number = 0; number < 64; number++) {
    int there = prctl(PR_CAPBSET_READ, number, 0, 0, 0);
    if (there < 0) break;  // past the last one that this kernel knows
    if (there == 0 || (keep & bit(number))) continue;
    if (prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0)
      return sys_error("prctl", "PR_CAPBSET_DROP " + name_of(number));
  }
  return {};
}

Status set_capabilities(const Capabilities& wanted, CapabilitySet extra) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2];
  for (unsigned half = 0; half < 2; half++) {
    unsigned shift = half * 32;
    data[half].effective = static_cast<uint32_t>((wanted.effective | extra) >> shift);
    data[half].permitted =
        static_cast<uint32_t>((wanted.permitted | wanted.effective | wanted.ambient | extra) >> shift);
    data[half].inheritable = static_cast<uint32_t>((wanted.inheritable | wanted.ambient) >> shift);
  }
  if (syscall(SYS_capset, &header, data) != 0) return sys_error("capset");
  return {};
}

Status set_ambient_capabilities(CapabilitySet ambient) {
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    return sys_error("prctl", "PR_CAP_AMBIENT_CLEAR_ALL");
  for (unsigned number = 0; number < 64; number++) {
    if (!(ambient & bit(number))) continue;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0) != 0)
      return sys_error("prctl", "PR_CAP_AMBIENT_RAISE " + name_of(number));
  }
  return {};
}

}  // namespace lichen
