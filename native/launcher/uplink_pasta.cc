#include <fcntl.h>
#include <unistd.h>

#include "core/spawn.h"
#include "launcher/program.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

// Left to itself pasta copies the host's address and routes, which makes the host itself unreachable; hence
// address, mask and gateway of our own. --no-map-gw closes the way to the host's loopback. Releases from 2024
// on end when the process whose namespace they were given ends, which is a passing one here: --no-netns-quit.
// Options are those that releases from 2023 (Debian 12) on have.
Result<UplinkProcess> start_pasta(const std::string& program, pid_t pid, const Subnet& subnet,
                                  const UplinkFiles& files) {
  unlink(files.ready.c_str());
  LICHEN_ASSIGN(Fd log, open_at({}, files.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  SpawnRequest request;
  request.file = program;
  request.args = {program,
                  "--foreground",
                  "--quiet",
                  "--config-net",
                  "--ipv4-only",
                  "--ns-ifname",
                  kUplinkInterface,
                  "--mtu",
                  std::to_string(kUplinkMtu),
                  "--address",
                  subnet.address,
                  "--netmask",
                  std::to_string(subnet.prefix),
                  "--gateway",
                  subnet.gateway,
                  "--dns-forward",
                  subnet.dns,
                  "--no-map-gw",
                  "--no-dhcp",
                  "--no-dhcpv6",
                  "--no-ndp",
                  "--no-ra",
                  "--no-netns-quit",
                  "--tcp-ports",
                  "none",
                  "--udp-ports",
                  "none",
                  "--tcp-ns",
                  "none",
                  "--udp-ns",
                  "none",
                  "--pid",
                  files.ready,
                  std::to_string(pid)};
  request.env = environment();
  request.fds = {{ChildFd::Kind::kNull}, {ChildFd::Kind::kNull}, {ChildFd::Kind::kGiven, &log}};
  request.new_session = true;
  LICHEN_ASSIGN(Spawned child, spawn(request));
  return await_uplink("pasta", child.pid, std::move(child.pidfd), files);
}

}  // namespace lichen::launcher
