#include <fcntl.h>
#include <unistd.h>

#include "core/spawn.h"
#include "launcher/program.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

// Left to itself pasta copies the host's address and routes, which makes the host itself unreachable; hence
// address, mask and gateway of our own. Without --no-map-gw the gateway's address leads to the host's
// loopback. Releases from 2024 on end when the process whose namespace they were given ends, which is a
// passing one here: --no-netns-quit. Options are those that releases from 2023 (Debian 12) on have.
Result<UplinkProcess> start_pasta(const std::string& program, pid_t pid, const Subnet& subnet,
                                  bool host_loopback, const UplinkFiles& files) {
  unlink(files.ready.c_str());
  LICHEN_ASSIGN(Fd log, open_at({}, files.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  SpawnRequest request;
  request.file = program;
  bool v6 = !subnet.address6.empty();
  auto add = [&](std::initializer_list<std::string> arguments) {
    request.args.insert(request.args.end(), arguments);
  };
  add({program, "--foreground", "--quiet", "--config-net", "--ns-ifname", kUplinkInterface});
  add({"--mtu", std::to_string(kUplinkMtu), "--netmask", std::to_string(subnet.prefix)});
  add({"--address", subnet.address, "--gateway", subnet.gateway, "--dns-forward", subnet.dns});
  // The node finds the gateway by neighbour discovery, which IPv4-only nodes have no use for.
  if (v6) add({"--address", subnet.address6, "--gateway", subnet.gateway6});
  if (!v6) add({"--ipv4-only", "--no-ndp"});
  if (!host_loopback) add({"--no-map-gw"});
  add({"--no-dhcp", "--no-dhcpv6", "--no-ra", "--no-netns-quit"});
  add({"--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none"});
  add({"--pid", files.ready, std::to_string(pid)});
  request.env = environment();
  request.fds = {{ChildFd::Kind::kNull}, {ChildFd::Kind::kNull}, {ChildFd::Kind::kGiven, &log}};
  request.new_session = true;
  LICHEN_ASSIGN(Spawned child, spawn(request));
  return await_uplink("pasta", child.pid, std::move(child.pidfd), files);
}

}  // namespace lichen::launcher
