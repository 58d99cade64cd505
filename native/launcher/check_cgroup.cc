#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/text.h"
#include "launcher/cgroup_tree.h"
#include "launcher/check.h"
#include "launcher/systemd_scope.h"
#include "launcher/user_manager.h"

namespace lichen::launcher {

namespace {

// Making a cgroup and removing it again: what delegation is.
std::string try_to_make(const std::string& directory) {
  std::string trial = directory + "/lichen-check-" + std::to_string(getpid());
  if (mkdir(trial.c_str(), 0755) != 0) return sys_error("mkdir", "\"" + trial + "\"").text();
  rmdir(trial.c_str());
  return "";
}

// The cgroup that `serve` would use: where it would move to a scope of its own, the scope's.
struct Place {
  CgroupFinding own;
  bool scope = false;
};

Place find_place() {
  Place place{inspect_own_cgroup()};
  if (!would_move()) return place;
  auto controllers = scope_controllers();
  if (!controllers) return place;
  place.scope = true;
  place.own.controllers.clear();
  for (std::string_view word : split_words(trim(*controllers))) place.own.controllers.emplace_back(word);
  return place;
}

Trial check_delegation(const Place& place) {
  if (place.scope) return {"cgroup", true, "a scope of the user's systemd", ""};
  const CgroupFinding& own = place.own;
  if (!own.writable) return {"cgroup", false, own.reason, delegation_hint(own)};
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

// Pods whose cgroup_parent is a slice are put there by the user's systemd, if there is one.
Trial check_slices() {
  UserManager manager = find_user_manager();
  if (manager.found()) return {"systemd-slices", true, manager.path, ""};
  return {"systemd-slices", false, manager.reason + ": slices are nested in lichen's own cgroup",
          access("/run/systemd/system", F_OK) == 0 ? "sudo loginctl enable-linger $(id -un)" : ""};
}

}  // namespace

std::vector<Trial> check_cgroup() {
  Place place = find_place();
  return {check_delegation(place), check_controllers(place.own), check_slices()};
}

}  // namespace lichen::launcher
