#include <fcntl.h>
#include <unistd.h>

#include "core/spawn.h"
#include "launcher/program.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

Result<UplinkProcess> start_slirp4netns(const std::string& program, pid_t pid, const Subnet& subnet,
                                        bool host_loopback, const UplinkFiles& files) {
  unlink(files.ready.c_str());
  LICHEN_ASSIGN(Fd log, open_at({}, files.log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600));
  LICHEN_ASSIGN(Fd ready, open_at({}, files.ready, O_WRONLY | O_CREAT | O_EXCL, 0600));
  SpawnRequest request;
  request.file = program;
  request.args = {program,
                  "--configure",
                  "--mtu=" + std::to_string(kUplinkMtu),
                  "--cidr=" + subnet.cidr,
                  "--enable-sandbox",
                  "--enable-seccomp",
                  "--ready-fd=3",
                  std::to_string(pid),
                  kUplinkInterface};
  if (!host_loopback) request.args.insert(request.args.begin() + 1, "--disable-host-loopback");
  request.env = environment();
  request.fds = {{ChildFd::Kind::kNull},
                 {ChildFd::Kind::kNull},
                 {ChildFd::Kind::kGiven, &log},
                 {ChildFd::Kind::kGiven, &ready}};
  request.new_session = true;
  LICHEN_ASSIGN(Spawned child, spawn(request));
  return await_uplink("slirp4netns", child.pid, std::move(child.pidfd), files);
}

}  // namespace lichen::launcher
