// Where the cgroup2 hierarchy is mounted and where a process sits in it. Pure: texts in, paths out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lichen::launcher {

struct CgroupMount {
  std::string point;  // "/sys/fs/cgroup", or "/sys/fs/cgroup/unified" beside cgroup v1
  std::string root;   // which cgroup is shown there; "/" except in containers
};

// The last cgroup2 mount in the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)): it covers the earlier
// ones.
std::optional<CgroupMount> find_cgroup_mount(std::string_view mountinfo);

// The cgroup2 path in the text of /proc/PID/cgroup (cgroups(7)): the line `0::PATH`.
std::optional<std::string> find_cgroup_path(std::string_view cgroup);

// The directory that shows the cgroup `path`; nothing when it lies outside of what is mounted.
std::optional<std::string> cgroup_directory(const CgroupMount& mount, const std::string& path);

// The reverse: the cgroup that `directory` shows.
std::optional<std::string> cgroup_path_of(const CgroupMount& mount, const std::string& directory);

// Whether the cgroup is a service's or scope's of systemd's. What is below one is not systemd's any more:
// only delegated units have anything there.
bool is_unit(const std::string& path);

// `lichen-<8 hex digits>` for a runtime directory, named by RuntimeDirectory::identity(): a later launcher
// finds what a killed one left behind, and nobody else's.
std::string subtree_name(const std::string& identity);

}  // namespace lichen::launcher
