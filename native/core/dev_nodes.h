// What every container finds in /dev. Nodes cannot be made in a user namespace; they are bound from the
// node's.
#pragma once

#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

struct DeviceNode {
  std::string path;    // in the container
  std::string source;  // on the node
  bool writable = true;
};

// null, zero, full, random, urandom, tty.
std::vector<DeviceNode> standard_device_nodes();

struct PreparedDevice {
  std::string path;
  Fd mount;  // detached
};

// Detached binds of the node's devices. A source that is no device is refused: code ENODEV.
Result<std::vector<PreparedDevice>> prepare_devices(const std::vector<DeviceNode>& nodes);

// Puts them in place beneath `root`.
Status attach_devices(const Fd& root, const std::vector<PreparedDevice>& devices);

// fd, stdin, stdout, stderr, ptmx and core in the container's /dev; what is there already stays.
Status make_dev_links(const Fd& root);

}  // namespace lichen
