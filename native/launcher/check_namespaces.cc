#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/nftables.h"
#include "core/scm.h"
#include "launcher/check.h"
#include "launcher/create_namespaces.h"
#include "launcher/hints.h"
#include "launcher/setup_report.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

namespace {

// src/network/nftables.ts has it too.
constexpr const char* kNftablesHint = "sudo modprobe -a nf_tables nft_chain_nat nft_masq nft_socket";

// A directory for the trials, on the file system where layers would be. Removed with its known content.
class Scratch {
 public:
  explicit Scratch(const std::string& data_dir) {
    const char* xdg = getenv("XDG_DATA_HOME");
    const char* home = getenv("HOME");
    for (std::string base : {data_dir, std::string(xdg != nullptr ? xdg : ""),
                             home != nullptr ? std::string(home) + "/.local/share" : "",
                             std::string(home != nullptr ? home : ""), std::string("/tmp")}) {
      if (base.empty()) continue;
      std::string pattern = base + "/.lichen-check-XXXXXX";
      if (mkdtemp(pattern.data()) == nullptr) continue;
      path_ = pattern;
      base_ = base;
      break;
    }
    for (const char* name : kDirectories) mkdir(file(name).c_str(), 0700);
    for (const char* name : {"netns", "resolv.conf"}) close(creat(file(name).c_str(), 0600));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (path_.empty()) return;
    for (const char* name : {"netns", "resolv.conf", "uplink.log", "uplink.ready"})
      unlink(file(name).c_str());
    rmdir(file("work/work").c_str());  // overlayfs makes it, mode 0000
    for (const char* name : kDirectories) rmdir(file(name).c_str());
    rmdir(path_.c_str());
  }

  const std::string& path() const { return path_; }
  // Where it was made.
  const std::string& base() const { return base_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  static constexpr const char* kDirectories[] = {"lower", "upper", "work", "merged"};
  std::string path_;
  std::string base_;
};

NodeSetup trial_setup(const Scratch& scratch, uint32_t gids) {
  NodeSetup setup;
  setup.netns_file = scratch.file("netns");
  setup.resolv_conf = scratch.file("resolv.conf");
  setup.mapped_gids = gids;
  return setup;
}

std::string texts(const Warnings& warnings) {
  std::string all;
  for (const Warning& warning : warnings) all += (all.empty() ? "" : "; ") + warning.message;
  return all;
}

// A writable overlay with the attributes that need no privilege, as containers get it.
Status mount_overlay(const Scratch& scratch) {
  std::string options = "userxattr,lowerdir=" + scratch.file("lower") + ",upperdir=" + scratch.file("upper") +
                        ",workdir=" + scratch.file("work");
  if (mount("overlay", scratch.file("merged").c_str(), "overlay", 0, options.c_str()) != 0)
    return sys_error("mount", "overlay (userxattr) in \"" + scratch.path() + "\"");
  LICHEN_ASSIGN(Fd made, open_at({}, scratch.file("merged/file"), O_WRONLY | O_CREAT, 0600));
  unlink(scratch.file("merged/file").c_str());
  umount2(scratch.file("merged").c_str(), MNT_DETACH);
  return {};
}

// Runs `step` in a child inside the namespaces and brings its failure back.
template <class Step>
Status try_inside(const Namespaces& namespaces, const Step& step) {
  LICHEN_ASSIGN(SocketPair sockets, make_packet_pair());
  pid_t child = fork();
  if (child < 0) return sys_error("fork");
  if (child == 0) {
    Status done = join(namespaces);
    if (done) done = step();
    (void)send_packet(sockets.second, done ? encode_report(Ready{}) : encode_report(done.error()));
    _exit(0);
  }
  sockets.second.reset();
  auto packet = receive_packet(sockets.first);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (!packet) return std::move(packet).error();
  SetupReport report = decode_report(packet.value() ? packet.value()->bytes : "");
  if (Error* error = std::get_if<Error>(&report)) return std::move(*error);
  return {};
}

Trial failed_userns(const Error& error) {
  Explanation why = explain_userns_failure(error, read_host_switches(), own_executable());
  return {"userns", false, error.text() + (why.cause.empty() ? "" : ": " + why.cause), why.hint};
}

Trial check_ids(const IdMapping& ids, const Warnings& warnings) {
  std::string detail =
      std::to_string(mapped_ids(ids.uids)) + " uids, " + std::to_string(mapped_ids(ids.gids)) + " gids";
  if (warnings.empty()) return {"ids", true, detail, ""};
  return {"ids", false, texts(warnings), warnings[0].hint};
}

// The kubelet gives every pod with a user namespace 65,536 ids, the first 65,536 being the node's own.
Trial check_pod_ids(const IdMapping& ids) {
  constexpr uint32_t kLeast = 2 * 65536;
  uint32_t mapped = std::min(mapped_ids(ids.uids), mapped_ids(ids.gids));
  if (mapped >= kLeast) return {"pod-ids", true, "enough for pods with user namespaces of their own", ""};
  std::string detail = std::to_string(mapped) + " ids are too few for pods with user namespaces of their own";
  return {"pod-ids", false, detail, more_ids_command() + ", then start lichen again"};
}

Trial check_newuidmap(const IdMapping& ids, const Scratch& scratch) {
  if (ids.single) return {"newuidmap", false, "not tried: there are no ranges to map", ""};
  Warnings warnings;
  auto made = create_namespaces(ids, {}, trial_setup(scratch, mapped_ids(ids.gids)), warnings);
  if (made) return {"newuidmap", true, "maps every id", ""};
  return {"newuidmap", false, made.error().text(), "sudo apt-get install -y --reinstall uidmap"};
}

Trial check_overlay(const Namespaces& namespaces, const Scratch& scratch) {
  Status mounted = try_inside(namespaces, [&] { return mount_overlay(scratch); });
  if (mounted) return {"overlay", true, "overlay mounts with userxattr work in " + scratch.base(), ""};
  return {"overlay", false, mounted.error().text(),
          "choose a data directory on ext4, xfs, btrfs or tmpfs: lichen serve --data-dir DIRECTORY"};
}

// What lets pods out by the uplink, and host ports keep their clients' addresses.
Trial check_nftables(const Namespaces& namespaces) {
  Status installed = try_inside(namespaces, [&]() -> Status {
    LICHEN_ASSIGN(IpAddress pods, parse_ip("10.210.0.0/16"));
    LICHEN_ASSIGN(Netlink netlink, open_nfnetlink());
    LICHEN_TRY(masquerade(netlink, "lichen-check", {pods}, "lichen0"));
    return mark_transparent(netlink, "lichen-check-ports", 1);
  });
  if (installed) return {"nftables", true, "rules for masquerade and for transparent sockets", ""};
  return {"nftables", false, installed.error().text(), kNftablesHint};
}

Trial check_uplink(pid_t holder, const Scratch& scratch) {
  Warnings warnings;
  UplinkFiles files{scratch.file("uplink.log"), scratch.file("uplink.ready")};
  StartedUplink started = start_uplink(UplinkWish{}, holder, choose_subnet({}), files, warnings);
  if (!started.process)
    return {"uplink", false, started.state.reason, warnings.empty() ? "" : warnings[0].hint};
  end_uplink(*started.process);
  std::string detail = started.state.kind;
  if (!started.state.reason.empty()) detail += " (" + started.state.reason + ")";
  return {"uplink", true, detail, ""};
}

}  // namespace

std::vector<Trial> check_namespaces(const std::string& data_dir) {
  Scratch scratch(data_dir);
  if (scratch.path().empty()) {
    return {{"userns", false,
             "no directory to try anything in: neither the data directory nor /tmp is writable", ""}};
  }
  Warnings id_warnings;
  IdMapping ids = plan_id_mapping(id_warnings);
  Warnings setup_warnings;
  auto made = create_namespaces(single_id_mapping(), {}, trial_setup(scratch, 1), setup_warnings);
  if (!made) return {failed_userns(made.error()), check_ids(ids, id_warnings)};

  std::string detail = "user, mount, network and cgroup namespaces";
  if (!setup_warnings.empty()) detail += "; " + texts(setup_warnings);
  return {{"userns", true, detail, ""},
          check_ids(ids, id_warnings),
          check_pod_ids(ids),
          check_newuidmap(ids, scratch),
          check_overlay(made->namespaces, scratch),
          check_nftables(made->namespaces),
          check_uplink(made->holder.pid(), scratch)};
}

}  // namespace lichen::launcher
