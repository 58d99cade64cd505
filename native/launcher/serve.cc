#include "launcher/serve.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "launcher/create_namespaces.h"
#include "launcher/node_info.h"
#include "launcher/rejoin.h"
#include "launcher/supervise.h"
#include "launcher/systemd_scope.h"

namespace lichen::launcher {

namespace {

// The pieces of a running node. Stays where it was made: the uplink's keeper refers to the namespaces.
struct Node {
  Namespaces namespaces;
  IdMapping ids;
  CgroupTree cgroup;
  UserManager manager;
  Warnings warnings;
  std::unique_ptr<UplinkKeeper> uplink;
};

Status write_node_info(const RuntimeDirectory& directory, const Node& node) {
  NodeInfo info;
  info.uid = getuid();
  info.gid = getgid();
  info.ids = node.ids;
  info.uplink = node.uplink->state();
  info.cgroup_delegated = node.cgroup.delegated;
  info.cgroup_path = node.cgroup.host_path;
  info.controllers = node.cgroup.controllers;
  info.cgroup_reason = node.cgroup.reason;
  info.manager = node.manager;
  LICHEN_ASSIGN(info.namespaces, identify(node.namespaces));
  info.warnings = node.warnings;
  return directory.write("node.json", format_node_info(info));
}

// Files that mounts in the node go over: they must be there before.
Status make_mount_points(const RuntimeDirectory& directory) {
  LICHEN_TRY(directory.write("netns", ""));
  LICHEN_TRY(directory.write("cgroupns", ""));
  LICHEN_TRY(make_directories(directory.file("slices")));
  auto host = read_file("/etc/resolv.conf");
  return directory.write("resolv.conf", host ? host.value() : "");
}

// A map by the ranges; where a helper refuses it (no set-uid bit, a range that is not ours), the single id.
Result<CreatedNamespaces> create_mapped(Node& node, const NodeSetup& setup) {
  NodeSetup with_ids = setup;
  with_ids.mapped_gids = mapped_ids(node.ids.gids);
  LICHEN_ASSIGN(CgroupSeats seats, open_seats(node.cgroup));
  auto created = create_namespaces(node.ids, seats, with_ids, node.warnings);
  if (created || node.ids.single || created.error().code != "ID_MAP") return created;
  node.warnings.push_back({"ID_MAP_REFUSED", created.error().text() + ": only one id exists in containers",
                           "ls -l $(command -v newuidmap newgidmap); getsubids $(id -un)"});
  node.ids = single_id_mapping();
  return create_mapped(node, setup);
}

Result<std::unique_ptr<Node>> create_node(const RuntimeDirectory& directory, const ServeOptions& options) {
  end_leftover_uplink(directory);
  auto made = std::make_unique<Node>();
  Node& node = *made;
  LICHEN_ASSIGN(node.cgroup, enter_cgroup_tree(options.cgroup, directory.identity(), node.warnings));
  node.ids = options.single_id ? single_id_mapping() : plan_id_mapping(node.warnings);
  LICHEN_TRY(make_mount_points(directory));
  NodeSetup setup;
  setup.own_cgroup = node.cgroup.delegated;
  if (options.cgroup == "none")
    node.manager.reason = "switched off by --cgroup none";
  else
    node.manager = find_user_manager();
  setup.slices = node.manager.directory;
  setup.slices_place = directory.file("slices");
  setup.cgroupns_file = directory.file("cgroupns");
  setup.netns_file = directory.file("netns");
  setup.resolv_conf = directory.file("resolv.conf");
  auto created = create_mapped(node, setup);
  if (!created) {
    leave_cgroup_tree(node.cgroup);
    return std::move(created).error();
  }
  node.namespaces = std::move(created->namespaces);
  for (const Warning& warning : node.warnings)
    if (warning.code == kSlicesRefused) node.manager = {.reason = warning.message};
  enable_controllers(node.cgroup, node.warnings);
  node.uplink = std::make_unique<UplinkKeeper>(directory, node.namespaces, options.uplink);
  node.uplink->start(created->holder.pid(), node.warnings);
  return made;
}

// Warnings about what is tried again now do not carry over.
Warnings lasting(const Warnings& previous) {
  Warnings kept;
  for (const Warning& warning : previous) {
    if (warning.code != "UPLINK_MISSING" && warning.code != "CGROUP_OUTSIDE") kept.push_back(warning);
  }
  return kept;
}

// The tree of before, or another one where that went with the last process in it: pods in systemd's slices do
// not keep it.
Status rejoin_cgroups(const RuntimeDirectory& directory, const ServeOptions& options, const NodeInfo& before,
                      Node& node) {
  if (has_cgroup_tree(before.cgroup_path)) {
    node.cgroup = rejoin_cgroup_tree(before.cgroup_path, directory.identity(), node.warnings);
    node.cgroup.controllers = before.controllers;
    return {};
  }
  LICHEN_ASSIGN(node.cgroup, enter_cgroup_tree(options.cgroup, directory.identity(), node.warnings));
  if (!node.cgroup.delegated) return {};
  LICHEN_ASSIGN(CgroupSeats seats, open_seats(node.cgroup));
  LICHEN_TRY(renew_cgroup_namespace(node.namespaces, seats, directory.file("cgroupns")));
  enable_controllers(node.cgroup, node.warnings);
  return {};
}

Result<std::unique_ptr<Node>> rejoin_node(const RuntimeDirectory& directory, const ServeOptions& options,
                                          Survivor survivor) {
  end_leftover_daemon(directory);
  auto made = std::make_unique<Node>();
  Node& node = *made;
  node.namespaces = std::move(survivor.namespaces);
  node.ids = std::move(survivor.info.ids);
  node.warnings = lasting(survivor.info.warnings);
  node.cgroup.reason = survivor.info.cgroup_reason;
  node.manager = survivor.info.manager;
  if (survivor.info.cgroup_delegated) LICHEN_TRY(rejoin_cgroups(directory, options, survivor.info, node));
  node.uplink = std::make_unique<UplinkKeeper>(directory, node.namespaces, options.uplink);
  node.uplink->adopt_or_start(survivor.info.uplink, node.warnings);
  std::fprintf(stderr, "lichen-launcher: rejoined the namespaces of the living pods\n");
  return made;
}

void print_warnings(const Warnings& warnings) {
  for (const Warning& warning : warnings) {
    std::fprintf(stderr, "lichen-launcher: warning: %s (%s)\n", warning.message.c_str(),
                 warning.code.c_str());
    if (!warning.hint.empty()) std::fprintf(stderr, "  mend: %s\n", warning.hint.c_str());
  }
}

// What outlives the node: nothing, unless pods do.
void leave_node(const RuntimeDirectory& directory, Node& node) {
  directory.remove("launcher.pid");
  if (!live_monitors(directory.path()).empty()) return;
  node.uplink->end();
  for (const char* file : {"node.json", "netns", "cgroupns", "resolv.conf", "uplink.log"})
    directory.remove(file);
  rmdir(directory.file("slices").c_str());
  leave_cgroup_tree(node.cgroup);
}

// node.json is there before the daemon is.
Result<int> run_node(const RuntimeDirectory& directory, const ServeOptions& options, Node& node) {
  LICHEN_TRY(write_node_info(directory, node));
  auto changed = [&] {
    Status written = write_node_info(directory, node);
    if (!written) std::fprintf(stderr, "lichen-launcher: %s\n", written.error().text().c_str());
  };
  return supervise({directory, node.namespaces, options.command, *node.uplink, changed});
}

}  // namespace

Result<int> serve(const ServeOptions& options) {
  if (options.cgroup == "auto") move_to_own_scope();
  LICHEN_TRY(block_supervised_signals());
  LICHEN_ASSIGN(RuntimeDirectory directory, RuntimeDirectory::open(options.runtime_dir));
  LICHEN_ASSIGN(ProcessIdentity self, identify_process(getpid()));
  LICHEN_TRY(directory.write_pid("launcher.pid", self));
  LICHEN_TRY(make_directories(options.data_dir));
  LICHEN_ASSIGN(std::optional<Survivor> survivor, find_survivor(directory));
  if (!survivor) end_leftover_daemon(directory);
  auto made =
      survivor ? rejoin_node(directory, options, std::move(*survivor)) : create_node(directory, options);
  if (!made) return std::move(made).error();
  Node& node = *made.value();

  print_warnings(node.warnings);
  auto status = run_node(directory, options, node);
  leave_node(directory, node);
  return status;
}

}  // namespace lichen::launcher
