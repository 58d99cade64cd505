#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "launcher/cgroup_tree.h"
#include "launcher/check.h"
#include "launcher/systemd_scope.h"

namespace lichen::launcher {

namespace {

// Making a cgroup and removing it again: what delegation is.
std::string try_to_make(const std::string& directory) {
  std::string trial = directory + "/lichen-check-" + std::to_string(getpid());
  if (mkdir(trial.c_str(), 0755) != 0) return sys_error("mkdir", "\"" + trial + "\"").text();
  rmdir(trial.c_str());
  return "";
}

Trial check_delegation(const CgroupFinding& own) {
  if (!own.writable) {
    // What `serve` does then.
    if (scope_works()) return {"cgroup", true, "a scope of the user's systemd", ""};
    return {"cgroup", false, own.reason, delegation_hint(own)};
  }
  std::string failure = try_to_make(own.directory);
  if (failure.empty()) return {"cgroup", true, own.path, ""};
  return {"cgroup", false, failure, delegation_hint(own)};
}

Trial check_controllers(const CgroupFinding& own) {
  std::string there;
  std::string missing;
  for (const char* wanted : {"cpu", "cpuset", "memory", "pids"}) {
    bool found = std::find(own.controllers.begin(), own.controllers.end(), wanted) != own.controllers.end();
    std::string& list = found ? there : missing;
    list += (list.empty() ? "" : " ") + std::string(wanted);
  }
  Trial trial{"cgroup-controllers", missing.empty(), "", controllers_hint(own)};
  trial.detail = missing.empty() ? there : "limits by " + missing + " cannot be enforced: not delegated";
  return trial;
}

}  // namespace

std::vector<Trial> check_cgroup() {
  CgroupFinding own = inspect_own_cgroup();
  return {check_delegation(own), check_controllers(own)};
}

}  // namespace lichen::launcher
