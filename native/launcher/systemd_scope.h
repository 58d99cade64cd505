// A cgroup of our own from the user's systemd, for a launcher that was started from a login shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "launcher/cgroup_tree.h"

namespace lichen::launcher {

// Whether a scope would give more than our own cgroup does: it is not ours, or systemd's own, or other
// processes in it (a shell) keep its controllers from being handed down.
bool wants_scope(const CgroupFinding& own, bool others_inside);

// `systemd-run --user --scope -p Delegate=yes -- COMMAND…`.
std::vector<std::string> scope_command(const std::string& systemd_run,
                                       const std::vector<std::string>& command);

// wants_scope() for this very process.
bool would_move();

// The controllers that a scope of the user's systemd has, separated by blanks, found by looking from within
// one; nothing when there is no such systemd, or it makes none.
std::optional<std::string> scope_controllers();

// Executes this program once more in a scope with delegated controllers, if that gives more than our own
// cgroup, a systemd user manager answers, and a trial with true(1) works. The PID stays. Returns where it
// does not: the launcher goes on with the cgroup that it has. First thing in the process: nothing must be
// open or locked yet.
void move_to_own_scope();

}  // namespace lichen::launcher
