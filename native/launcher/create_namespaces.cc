#include "launcher/create_namespaces.h"

#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/scm.h"
#include "launcher/setup_report.h"

namespace lichen::launcher {

namespace {

Status sit_down(const Fd& procs, const char* where) {
  if (!procs) return {};
  if (write(procs.get(), "0", 1) != 1) return sys_error("join cgroup", where);
  return {};
}

Status unshare_or_error(int flags, const char* what) {
  if (unshare(flags) != 0) return sys_error("unshare namespace", what);
  return {};
}

// Everything the child does, in order. The parent maps ids between the first and the second step.
Status make(const Fd& parent, const CgroupSeats& seats, const NodeSetup& setup, Warnings& warnings) {
  LICHEN_TRY(unshare_or_error(CLONE_NEWUSER, "user"));
  LICHEN_TRY(send_packet(parent, encode_report(Unshared{})));
  LICHEN_ASSIGN(std::optional<Packet> mapped, receive_packet(parent));
  if (!mapped) return plain_error("CANCELLED", "make namespaces", "", "the launcher has gone");

  // EPERM: the map is single, setgroups is off.
  if (setgroups(0, nullptr) != 0 && errno != EPERM) return sys_error("setgroups");
  // A cgroup namespace's root is the cgroup that its maker sits in.
  LICHEN_TRY(sit_down(seats.root_procs, "(root of the delegated subtree)"));
  LICHEN_TRY(unshare_or_error(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWCGROUP, "mount, network, cgroup"));
  LICHEN_TRY(sit_down(seats.node_procs, "node"));
  return set_up_node(setup, warnings);
}

Status renew(const Namespaces& namespaces, const CgroupSeats& seats, const std::string& cgroupns_file) {
  LICHEN_TRY(join(namespaces));
  LICHEN_TRY(sit_down(seats.root_procs, "(root of the delegated subtree)"));
  LICHEN_TRY(unshare_or_error(CLONE_NEWCGROUP, "cgroup"));
  LICHEN_TRY(sit_down(seats.node_procs, "node"));
  return remount_cgroups(cgroupns_file);
}

// Reads the child's reports until it is ready.
Status follow(const Fd& child, pid_t pid, const IdMapping& mapping, Warnings& warnings) {
  for (;;) {
    LICHEN_ASSIGN(std::optional<Packet> packet, receive_packet(child));
    if (!packet) return plain_error("CHILD_DIED", "make namespaces", "", "the child ended without a word");
    SetupReport report = decode_report(packet->bytes);
    if (Error* error = std::get_if<Error>(&report)) return std::move(*error);
    if (Warning* warning = std::get_if<Warning>(&report)) warnings.push_back(std::move(*warning));
    if (std::holds_alternative<Ready>(report)) return {};
    if (std::holds_alternative<Unshared>(report)) {
      LICHEN_TRY(write_id_mapping(pid, mapping));
      LICHEN_TRY(send_packet(child, "mapped"));
    }
  }
}

// The child: takes its steps, reports how that went, and sleeps.
template <class Steps>
[[noreturn]] void child_main(pid_t launcher, const Fd& parent, const Steps& steps) {
  die_with_parent(launcher, SIGKILL);
  Warnings warnings;
  Status made = steps(parent, warnings);
  // Ids that change clear the death signal; the launcher may have died meanwhile.
  die_with_parent(launcher, SIGKILL);
  for (const Warning& warning : warnings) {
    if (!send_packet(parent, encode_report(warning))) _exit(1);
  }
  if (!send_packet(parent, made ? encode_report(Ready{}) : encode_report(made.error())) || !made) _exit(1);
  for (;;) pause();
}

// Starts a child that takes `steps`; answers when it is ready, or with its first error.
template <class Steps>
Result<Holder> start_holder(const IdMapping& mapping, Warnings& warnings, const Steps& steps) {
  LICHEN_ASSIGN(SocketPair sockets, make_packet_pair());
  pid_t launcher = getpid();
  pid_t pid = fork();
  if (pid < 0) return sys_error("fork");
  if (pid == 0) {
    sockets.first.reset();
    child_main(launcher, sockets.second, steps);
  }
  Holder holder(pid);
  sockets.second.reset();
  LICHEN_TRY(follow(sockets.first, pid, mapping, warnings));
  return holder;
}

}  // namespace

Result<CreatedNamespaces> create_namespaces(const IdMapping& mapping, const CgroupSeats& seats,
                                            const NodeSetup& setup, Warnings& warnings) {
  auto steps = [&](const Fd& parent, Warnings& told) { return make(parent, seats, setup, told); };
  LICHEN_ASSIGN(Holder holder, start_holder(mapping, warnings, steps));
  LICHEN_ASSIGN(Namespaces namespaces, open_namespaces(holder.pid()));
  return CreatedNamespaces{std::move(namespaces), std::move(holder)};
}

Status renew_cgroup_namespace(Namespaces& namespaces, const CgroupSeats& seats,
                              const std::string& cgroupns_file) {
  Warnings none;
  auto steps = [&](const Fd&, Warnings&) { return renew(namespaces, seats, cgroupns_file); };
  LICHEN_ASSIGN(Holder holder, start_holder({}, none, steps));
  LICHEN_ASSIGN(Namespaces renewed, open_namespaces(holder.pid()));
  namespaces.cgroup = std::move(renewed.cgroup);
  return {};
}

}  // namespace lichen::launcher
