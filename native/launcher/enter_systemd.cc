#include "launcher/enter_systemd.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>

#include "core/fd.h"
#include "launcher/node_info.h"

namespace lichen::launcher {

namespace {

constexpr const char* kCgroups = "/sys/fs/cgroup";
// go-systemd and systemctl(1) know no other place.
constexpr const char* kSocket = "/run/systemd/private";

// What we put below a private mount stays ours, whatever the rest of the node shares.
Status keep_to_ourselves(const char* mount_point) {
  if (mount(nullptr, mount_point, nullptr, MS_PRIVATE, nullptr) != 0)
    return sys_error("mount", std::string(mount_point) + " (private)");
  return {};
}

Status bind(const std::string& source, const char* target) {
  if (mount(source.c_str(), target, nullptr, MS_BIND, nullptr) != 0)
    return sys_error("mount", "\"" + source + "\" on " + target);
  return {};
}

}  // namespace

Status show_user_manager(const std::string& runtime_dir) {
  LICHEN_ASSIGN(std::string text, read_file(runtime_dir + "/node.json"));
  LICHEN_ASSIGN(NodeInfo node, parse_node_info(text));
  if (node.manager.socket.empty()) {
    return plain_error("NO_USER_MANAGER", "show the user's systemd", "\"" + runtime_dir + "\"",
                       node.manager.reason.empty() ? "the node knows none" : node.manager.reason);
  }
  if (unshare(CLONE_NEWNS) != 0) return sys_error("unshare", "CLONE_NEWNS");
  LICHEN_TRY(keep_to_ourselves(kCgroups));
  LICHEN_TRY(bind(runtime_dir + "/slices", kCgroups));
  LICHEN_TRY(keep_to_ourselves("/run"));
  LICHEN_TRY(bind(node.manager.socket, kSocket));
  setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/systemd/no-bus-of-the-system", 1);
  return {};
}

}  // namespace lichen::launcher
