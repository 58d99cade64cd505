#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>

#include "core/apparmor.h"
#include "core/fd.h"
#include "core/selinux.h"
#include "core/text.h"
#include "launcher/check.h"
#include "launcher/hints.h"
#include "launcher/id_mapping.h"
#include "launcher/tun_device.h"

namespace lichen::launcher {

namespace {

// src/security/lsm.ts: of containers that name none.
constexpr const char* kDefaultProfile = "lichen-default";

Trial check_kernel() {
  utsname name{};
  uname(&name);
  // 5.11 brought overlay mounts in user namespaces, 5.14 cgroup.kill.
  return {"kernel", kernel_at_least(name.release, 5, 14), std::string("Linux ") + name.release,
          "install a kernel from 5.14 on"};
}

Trial check_runtime_dir() {
  Trial trial{"runtime-dir", false, "",
              "loginctl enable-linger $(id -un), or log in by ssh or a console instead of su"};
  const char* path = getenv("XDG_RUNTIME_DIR");
  struct stat status {};
  if (path == nullptr || path[0] == '\0') {
    trial.detail = "XDG_RUNTIME_DIR is not set: /tmp is used";
  } else if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
    trial.detail = std::string(path) + " is not a directory";
  } else if (status.st_uid != geteuid()) {
    trial.detail = std::string(path) + " belongs to another user";
  } else {
    trial.ok = true;
    trial.detail = path;
  }
  return trial;
}

// Without linger systemd ends every process of a user with the last session.
Trial check_linger() {
  Trial trial{"linger", true, "", "loginctl enable-linger " + login_name()};
  if (access("/run/systemd/system", F_OK) != 0) {
    trial.detail = "no systemd here: nothing ends processes at logout";
    return trial;
  }
  trial.ok = access(("/var/lib/systemd/linger/" + login_name()).c_str(), F_OK) == 0;
  trial.detail = trial.ok ? "processes live on after logout" : "pods end when you log out";
  return trial;
}

Trial check_tun() {
  Status tun = try_tun_device();
  if (tun) return {"tun", true, kTunDevice, ""};
  return {"tun", false, tun.error().text(), tun_hint(tun.error())};
}

// Only where AppArmor is active: elsewhere nothing is missing that lichen could use. This executable lies in
// DIST/bin.
std::vector<Trial> check_apparmor() {
  if (!is_apparmor_active()) return {};
  auto loaded = is_apparmor_profile_loaded(kDefaultProfile);
  if (loaded && loaded.value())
    return {{"apparmor", true, std::string("containers run under the profile ") + kDefaultProfile, ""}};
  std::string cause = loaded ? "is not loaded" : loaded.error().text();
  std::string bin = own_executable().substr(0, own_executable().rfind('/'));
  std::string file = bin.substr(0, bin.rfind('/')) + "/apparmor.d/" + kDefaultProfile;
  return {{"apparmor", false,
           std::string("containers run without a profile: ") + kDefaultProfile + " " + cause,
           "sudo install -m 0644 " + file + " /etc/apparmor.d/ && sudo apparmor_parser --replace " +
               "/etc/apparmor.d/" + kDefaultProfile}};
}

// Only where SELinux is active.
std::vector<Trial> check_selinux() {
  std::string context = own_selinux_context();
  if (context.empty()) return {};
  auto mode = read_file("/sys/fs/selinux/enforce");
  const char* how = !mode ? "" : mode.value().starts_with('1') ? ", enforcing" : ", permissive";
  return {{"selinux", true, "containers run as " + context + " unless they ask for a label" + how, ""}};
}

}  // namespace

bool kernel_at_least(const std::string& release, int major, int minor) {
  std::vector<std::string_view> numbers = split(release, '.');
  if (numbers.size() < 2) return false;
  auto first = parse_number<int>(numbers[0]);
  auto second = parse_number<int>(numbers[1].substr(0, numbers[1].find_first_not_of("0123456789")));
  return first && second && (*first > major || (*first == major && *second >= minor));
}

std::vector<Trial> check_host() {
  std::vector<Trial> trials = {check_kernel(), check_runtime_dir(), check_linger(), check_tun()};
  for (Trial& trial : check_apparmor()) trials.push_back(std::move(trial));
  for (Trial& trial : check_selinux()) trials.push_back(std::move(trial));
  return trials;
}

}  // namespace lichen::launcher
