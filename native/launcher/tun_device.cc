#include "launcher/tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "core/fd.h"

namespace lichen::launcher {

Status try_tun_device(const std::string& path) {
  LICHEN_ASSIGN(Fd tun, open_at({}, path.c_str(), O_RDWR));
  unsigned int features = 0;
  if (ioctl(tun.get(), TUNGETFEATURES, &features) == 0) return {};
  if (errno != ENOTTY && errno != EINVAL) return sys_error("ask for the features of", path);
  return plain_error("ENOTTY", "use", path, "it is something else than the TUN device");
}

std::string tun_hint(const Error& error) {
  if (error.code == "EACCES" || error.code == "EPERM") return std::string("sudo chmod 0666 ") + kTunDevice;
  if (error.code == "ENOTTY")
    return std::string("sudo rm ") + kTunDevice + " && sudo mknod -m 0666 " + kTunDevice + " c 10 200";
  return "sudo modprobe tun";
}

}  // namespace lichen::launcher
