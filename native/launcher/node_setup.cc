#include "launcher/node_setup.h"

#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "core/links.h"
#include "core/mount_api.h"

namespace lichen::launcher {

namespace {

constexpr const char* kSelinux = "/sys/fs/selinux";
constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

Status mount_at(const char* source, const std::string& target, const char* type, unsigned long flags) {
  if (mount(source, target.c_str(), type, flags, nullptr) != 0)
    return sys_error("mount", std::string(type != nullptr ? type : "bind") + " on \"" + target + "\"");
  return {};
}

// Host mounts come in (a USB stick, an NFS share), ours do not go out; containers receive ours.
Status set_propagation() {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return sys_error("mount namespace", "/ (rslave)");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0)
    return sys_error("mount namespace", "/ (rshared)");
  return {};
}

// A sysfs of our own network namespace. The kernel refuses where parts of the host's are covered
// (containers).
void mount_sysfs(Warnings& warnings) {
  // Where SELinux is asked what its policy allows; a new sysfs has the place for it alone.
  auto selinux = clone_mount(Fd(), kSelinux, false);
  Status mounted = mount_at("sysfs", "/sys", "sysfs", kPlain);
  if (mounted && selinux) {
    auto place = open_at({}, kSelinux, O_PATH | O_DIRECTORY);
    if (place) mounted = attach_mount(selinux.value(), place.value());
  }
  if (mounted) return;
  warnings.push_back(
      {"SYSFS_REFUSED",
       "/sys shows the host's network interfaces instead of the node's: " + mounted.error().text(), ""});
}

// Processes here cannot reach resolvers on the host's loopback; the file names what they can reach. Mounting
// over the link's target keeps working when a program writes to it, and ends when one replaces it.
void mount_resolv_conf(const std::string& file, Warnings& warnings) {
  char target[PATH_MAX];
  if (realpath("/etc/resolv.conf", target) == nullptr) {
    warnings.push_back({"RESOLV_CONF", "/etc/resolv.conf is missing or a dangling link: names do not resolve",
                        "ls -l /etc/resolv.conf"});
    return;
  }
  Status mounted = mount_at(file.c_str(), target, nullptr, MS_BIND);
  if (!mounted)
    warnings.push_back({"RESOLV_CONF", "names resolve by the host's file: " + mounted.error().text(), ""});
}

void mount_slices(const NodeSetup& setup, Warnings& warnings) {
  Status mounted = mount_at(setup.slices.c_str(), setup.slices_place, nullptr, MS_BIND);
  if (mounted) mounted = mount_at("/proc/self/ns/cgroup", setup.cgroupns_file, nullptr, MS_BIND);
  if (!mounted)
    warnings.push_back(
        {kSlicesRefused, "no pod can be in a slice of systemd's: " + mounted.error().text(), ""});
}

Status set_up_mounts(const NodeSetup& setup, Warnings& warnings) {
  LICHEN_TRY(set_propagation());
  // Before the node's own /sys covers it.
  if (!setup.slices.empty()) mount_slices(setup, warnings);
  mount_sysfs(warnings);
  if (setup.own_cgroup) LICHEN_TRY(mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2", kPlain));
  LICHEN_TRY(mount_at("/proc/self/ns/net", setup.netns_file, nullptr, MS_BIND));
  mount_resolv_conf(setup.resolv_conf, warnings);
  return {};
}

void set_sysctl(const std::string& name, const std::string& value, Warnings& warnings) {
  std::string path = "/proc/sys/" + name;
  if (access(path.c_str(), F_OK) != 0) return;  // a kernel without IPv6, for instance
  Status written = write_file(path, value);
  if (!written) warnings.push_back({"SYSCTL_REFUSED", name + " is not set: " + written.error().text(), ""});
}

}  // namespace

Status remount_cgroups(const std::string& cgroupns_file) {
  umount2("/sys/fs/cgroup", MNT_DETACH);
  LICHEN_TRY(mount_at("cgroup2", "/sys/fs/cgroup", "cgroup2", kPlain));
  if (access(cgroupns_file.c_str(), F_OK) != 0) return {};
  umount2(cgroupns_file.c_str(), MNT_DETACH);
  return mount_at("/proc/self/ns/cgroup", cgroupns_file, nullptr, MS_BIND);
}

Status set_up_node(const NodeSetup& setup, Warnings& warnings) {
  LICHEN_TRY(set_up_mounts(setup, warnings));
  LICHEN_ASSIGN(Netlink netlink, open_rtnetlink());
  LICHEN_TRY(set_link_up(netlink, "lo"));
  set_sysctl("net/ipv4/ip_forward", "1", warnings);
  set_sysctl("net/ipv6/conf/all/forwarding", "1", warnings);
  // The kernel takes mapped gids only.
  set_sysctl("net/ipv4/ping_group_range", "0 " + std::to_string(setup.mapped_gids - 1), warnings);
  return {};
}

}  // namespace lichen::launcher
