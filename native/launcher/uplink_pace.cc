#include "launcher/uplink_pace.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/links.h"
#include "core/traffic_shaping.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

namespace {

// What pasta's socket does not take is lost, and sent again after a time-out. Given packets as fast as it
// takes them, most transfers to a server on the same host lose some, and are slower by a factor of up to
// twenty; up to about this rate next to none do. Few hosts have a faster way out.
constexpr uint64_t kPaceBits = 18'000'000'000;

}  // namespace

Status pace_uplink(const Namespaces& namespaces) {
  // A process of its own: joining is for good.
  pid_t child = fork();
  if (child < 0) return sys_error("fork");
  if (child == 0) {
    if (!join(namespaces)) _exit(EPERM);
    auto netlink = open_rtnetlink();
    if (!netlink) _exit(netlink.error().number);
    Status paced = pace(netlink.value(), kUplinkInterface, kPaceBits);
    _exit(paced ? 0 : paced.error().number);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return sys_error("waitpid");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  return sys_error("pace", kUplinkInterface);
}

}  // namespace lichen::launcher
