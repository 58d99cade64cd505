#include "launcher/unshare.h"

#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/scm.h"
#include "launcher/daemon_process.h"
#include "launcher/id_mapping.h"
#include "launcher/setup_report.h"

namespace lichen::launcher {

namespace {

// A process in a namespace that has just been made cannot map more than its own id: this child stays outside
// and does it.
[[noreturn]] void map_from_outside(const Fd& socket, pid_t pid, const IdMapping& mapping) {
  auto unshared = receive_packet(socket);
  if (!unshared || !unshared.value()) _exit(1);
  Status mapped = write_id_mapping(pid, mapping);
  bool told = send_packet(socket, mapped ? encode_report(Ready{}) : encode_report(mapped.error())).ok();
  _exit(told ? 0 : 1);
}

Status await_map(const Fd& socket) {
  LICHEN_TRY(send_packet(socket, encode_report(Unshared{})));
  LICHEN_ASSIGN(std::optional<Packet> packet, receive_packet(socket));
  SetupReport report = decode_report(packet ? packet->bytes : "");
  if (Error* error = std::get_if<Error>(&report)) return std::move(*error);
  return {};
}

Status become_root(const IdMapping& mapping) {
  pid_t self = getpid();
  LICHEN_ASSIGN(SocketPair sockets, make_packet_pair());
  pid_t helper = fork();
  if (helper < 0) return sys_error("fork");
  if (helper == 0) {
    sockets.first.reset();
    map_from_outside(sockets.second, self, mapping);
  }
  sockets.second.reset();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return sys_error("unshare namespace", "user, mount");
  LICHEN_TRY(await_map(sockets.first));
  while (waitpid(helper, nullptr, 0) < 0 && errno == EINTR) {
  }
  // EPERM: the map is single, setgroups is off.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return sys_error("setgroups");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return sys_error("mount namespace", "/ (rslave)");
  return {};
}

}  // namespace

Error unshare(const UnshareOptions& options) {
  Warnings warnings;
  IdMapping mapping = plan_id_mapping(warnings);
  for (const Warning& warning : warnings)
    std::fprintf(stderr, "lichen-launcher: %s\nhint: %s\n", warning.message.c_str(), warning.hint.c_str());
  LICHEN_TRY(become_root(mapping));
  return execute(options.command, 3);
}

}  // namespace lichen::launcher
