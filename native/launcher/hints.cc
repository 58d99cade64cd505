#include "launcher/hints.h"

#include <limits.h>
#include <unistd.h>

#include "core/fd.h"
#include "core/text.h"

namespace lichen::launcher {

namespace {

long read_switch(const char* path) {
  auto text = read_file(path);
  if (!text) return -1;
  return parse_number<long>(trim(text.value())).value_or(-1);
}

// The profile that Ubuntu itself ships for bwrap, podman and others: it grants nothing but `userns`.
std::string apparmor_hint(const std::string& executable) {
  return "printf 'abi <abi/4.0>,\\ninclude <tunables/global>\\nprofile lichen-launcher " + executable +
         " flags=(unconfined) {\\n  userns,\\n}\\n' | sudo tee /etc/apparmor.d/lichen-launcher && "
         "sudo apparmor_parser -r /etc/apparmor.d/lichen-launcher";
}

}  // namespace

HostSwitches read_host_switches() {
  return {read_switch("/proc/sys/user/max_user_namespaces"),
          read_switch("/proc/sys/kernel/unprivileged_userns_clone"),
          read_switch("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")};
}

Explanation explain_userns_failure(const Error& error, const HostSwitches& switches,
                                   const std::string& executable) {
  bool refused = error.code == "EPERM" || error.code == "EACCES";
  if (error.code == "ENOSPC" || (refused && switches.max_user_namespaces == 0)) {
    return {"the limit of user namespaces is " + std::to_string(switches.max_user_namespaces),
            "sudo sysctl -w user.max_user_namespaces=28633"};
  }
  if (refused && switches.unprivileged_userns_clone == 0) {
    return {"unprivileged user namespaces are switched off",
            "sudo sysctl -w kernel.unprivileged_userns_clone=1"};
  }
  if (refused && switches.apparmor_restrict_unprivileged == 1) {
    return {"AppArmor takes the capabilities away from user namespaces of programs without a profile",
            apparmor_hint(executable)};
  }
  if (error.code == "EINVAL" && error.operation.find("unshare") != std::string::npos)
    return {"the kernel has no user namespaces, or lacks one of the others", "zgrep _NS= /proc/config.gz"};
  return {};
}

std::string own_executable() {
  char path[PATH_MAX];
  ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<size_t>(size)) : "";
}

std::string describe_failure(const Error& error) {
  std::string text = "lichen-launcher: " + error.text() + "\n";
  if (error.code == "USAGE" || error.operation.find("namespace") == std::string::npos) return text;
  Explanation explanation = explain_userns_failure(error, read_host_switches(), own_executable());
  if (explanation.cause.empty()) return text;
  return text + "  cause: " + explanation.cause + "\n  mend:  " + explanation.hint + "\n";
}

}  // namespace lichen::launcher
