#include "core/dev_nodes.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/mount_api.h"
#include "core/root_path.h"

namespace lichen {

std::vector<DeviceNode> standard_device_nodes() {
  std::vector<DeviceNode> nodes;
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"})
    nodes.push_back({std::string("/dev/") + name, std::string("/dev/") + name});
  return nodes;
}

Result<std::vector<PreparedDevice>> prepare_devices(const std::vector<DeviceNode>& nodes) {
  std::vector<PreparedDevice> prepared;
  for (const DeviceNode& node : nodes) {
    struct stat found {};
    if (stat(node.source.c_str(), &found) != 0) return sys_error("stat", "device \"" + node.source + "\"");
    if (!S_ISCHR(found.st_mode) && !S_ISBLK(found.st_mode))
      return sys_error("bind device", "\"" + node.source + "\"", ENODEV);
    LICHEN_ASSIGN(Fd mount, clone_mount(Fd(), node.source, false));
    if (!node.writable) LICHEN_TRY(change_mount(mount, MOUNT_ATTR_RDONLY, 0, 0, false));
    prepared.push_back({node.path, std::move(mount)});
  }
  return prepared;
}

Status attach_devices(const Fd& root, const std::vector<PreparedDevice>& devices) {
  for (const PreparedDevice& device : devices) {
    LICHEN_ASSIGN(Fd target, ensure_file(root, device.path));
    if (auto done = attach_mount(device.mount, target); !done)
      return std::move(done).error().within("device \"" + device.path + "\"");
  }
  return {};
}

Status make_dev_links(const Fd& root) {
  struct Link {
    const char* name;
    const char* target;
  };
  constexpr Link kLinks[] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"},
                             {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"},
                             {"ptmx", "pts/ptmx"},          {"core", "/proc/kcore"}};
  LICHEN_ASSIGN(Fd dev, open_in_root(root, "/dev", O_PATH | O_DIRECTORY));
  for (const Link& link : kLinks) {
    if (link.target == std::string("/proc/kcore") && access(link.target, F_OK) != 0) continue;
    if (symlinkat(link.target, dev.get(), link.name) != 0 && errno != EEXIST)
      return sys_error("symlink", std::string("/dev/") + link.name);
  }
  return {};
}

}  // namespace lichen
