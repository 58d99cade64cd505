#include "monitor/process_child.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/apparmor.h"
#include "core/child_process.h"
#include "core/executable.h"
#include "core/passwd.h"
#include "core/selinux.h"

namespace lichen::monitor {

namespace {

Status own_stream(const Fd& stream, uid_t owner) {
  struct stat found {};
  if (!stream || fstat(stream.get(), &found) != 0 || !S_ISFIFO(found.st_mode)) return {};
  if (fchown(stream.get(), owner, static_cast<gid_t>(-1)) != 0 && errno != EPERM)
    return sys_error("fchown", "pipe to uid " + std::to_string(owner));
  return {};
}

Status install_stream(const Fd& stream, const Fd& node_null, int number) {
  if (dup2((stream ? stream : node_null).get(), number) < 0)
    return sys_error("dup2", "descriptor " + std::to_string(number));
  return {};
}

Status enter_directory(const std::string& directory) {
  if (chdir(directory.c_str()) != 0) return sys_error("chdir", "\"" + directory + "\"");
  // A working directory outside the root would be a way out of it (CVE-2024-21626).
  char place[4096];
  if (getcwd(place, sizeof place) == nullptr || place[0] != '/')
    return plain_error("EXDEV", "chdir", "\"" + directory + "\"", "leads out of the container");
  return {};
}

void add_home(OciProcess& process) {
  if (!environment_value(process.environment, "HOME", "").empty()) return;
  auto passwd = read_file("/etc/passwd");
  process.environment.push_back("HOME=" +
                                home_directory(passwd ? *passwd.operator->() : "", process.user.uid));
}

}  // namespace

Status own_streams(const StandardStreams& streams, uid_t owner) {
  LICHEN_TRY(own_stream(streams.in, owner));
  LICHEN_TRY(own_stream(streams.out, owner));
  return own_stream(streams.error, owner);
}

Status install_streams(const StandardStreams& streams, const Fd& node_null) {
  LICHEN_TRY(install_stream(streams.in, node_null, 0));
  LICHEN_TRY(install_stream(streams.out, node_null, 1));
  return install_stream(streams.error, node_null, 2);
}

Status choose_confinement(const OciProcess& process) {
  if (!process.selinux_label.empty()) return request_selinux(process.selinux_label);
  if (!process.apparmor_profile.empty()) return request_apparmor(process.apparmor_profile);
  if (!process.apparmor_default.empty()) return request_apparmor_if_loaded(process.apparmor_default);
  return {};
}

Status assume_identity(OciProcess& process, bool has_filter) {
  add_home(process);
  // Before the change of user: the directory may be closed to a user who is to work in it all the same.
  LICHEN_TRY(enter_directory(process.directory));
  umask(process.umask);
  LICHEN_TRY(apply_rlimits(process.limits));
  LICHEN_TRY(limit_bounding_set(process.capabilities.bounding));
  LICHEN_TRY(become(process.user));
  // A filter without no_new_privs takes CAP_SYS_ADMIN; execve takes it away again, since the bounding set
  // does not have it.
  bool admin = has_filter && !process.no_new_privileges;
  LICHEN_TRY(set_capabilities(process.capabilities, admin ? CapabilitySet{1} << CAP_SYS_ADMIN : 0));
  LICHEN_TRY(set_ambient_capabilities(process.capabilities.ambient));
  if (process.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return sys_error("prctl", "PR_SET_NO_NEW_PRIVS");
  return die_with_parent();
}

Error run_process(const OciProcess& process, const std::optional<SeccompFilter>& filter) {
  LICHEN_STEP_MAY_FAIL();
  auto command = find_executable(process.args[0], process.environment);
  if (!command) return std::move(command).error();
  LICHEN_STEP_MAY_FAIL();
  if (filter)
    if (auto done = apply_seccomp(*filter); !done) return std::move(done).error();
  LICHEN_STEP_MAY_FAIL();
  Error failure = run_program(*command.operator->(), process.args, process.environment);
  if (process.selinux_label.empty() || (failure.number != EACCES && failure.number != EPERM)) return failure;
  return std::move(failure).within("run as " + process.selinux_label + " as far as SELinux's policy allows");
}

}  // namespace lichen::monitor
