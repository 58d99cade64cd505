// The user's systemd: where it answers, and which part of the cgroup tree is its own.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen::launcher {

struct UserManager {
  std::string socket;     // where it speaks D-Bus to its own user without a bus, "" without one
  std::string path;       // of the cgroup below which it puts its units, on the host
  std::string directory;  // that shows this cgroup in our mount namespace
  std::vector<std::string> controllers;  // that its units can have
  std::string reason;                    // why there is none

  bool found() const { return !path.empty(); }
};

// A connection to the manager's private socket (systemctl(1) uses it where there is no D-Bus); empty where
// none answers.
Fd connect_user_manager();

// Asks nobody: the kernel tells who answers, and in which cgroup it is.
UserManager find_user_manager();

// The cgroup of all of a manager's units, from its own: it sits in the leaf init.scope. "" for what is no
// manager's.
std::string manager_root(const std::string& own_cgroup);

}  // namespace lichen::launcher
