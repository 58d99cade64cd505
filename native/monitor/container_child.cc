#include "monitor/container_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/child_process.h"
#include "core/dev_nodes.h"
#include "core/executable.h"
#include "core/mount_api.h"
#include "core/proc_paths.h"
#include "core/root_path.h"
#include "core/root_switch.h"
#include "core/terminal.h"
#include "core/user_namespace.h"
#include "monitor/child_report.h"

namespace lichen::monitor {

namespace {

constexpr unsigned long kReadOnly =
    1;  // MOUNT_ATTR_RDONLY; <sys/mount.h> and <linux/mount.h> do not go together

bool has_mount_at(const OciSpec& spec, const std::string& path, bool bind_only) {
  for (const OciMount& mount : spec.mounts)
    if (mount.destination == path && (mount.options.bind || !bind_only)) return true;
  return false;
}

// The node's devices, but those that a mount of the spec replaces, and none at all when /dev is the node's
// own.
std::vector<DeviceNode> devices_of(const OciSpec& spec) {
  std::vector<DeviceNode> devices;
  if (has_mount_at(spec, "/dev", true)) return devices;
  for (DeviceNode& node : standard_device_nodes())
    if (!has_mount_at(spec, node.path, false)) devices.push_back(std::move(node));
  devices.insert(devices.end(), spec.devices.begin(), spec.devices.end());
  return devices;
}

Result<Fd> make_terminal(const ContainerStart& start, const OciSpec& spec) {
  if (!start.terminal) return Fd();
  LICHEN_ASSIGN(Terminal terminal,
                open_terminal(start.root, spec.process.terminal_size, spec.process.user.uid));
  LICHEN_ASSIGN(Fd console, ensure_file(start.root, "/dev/console"));
  LICHEN_ASSIGN(Fd copy, clone_mount(terminal.slave, false));
  LICHEN_TRY(attach_mount(copy, console));
  LICHEN_TRY(adopt_terminal(terminal.slave));
  return std::move(terminal.master);
}

// Puts the root file system together and goes there. The answer is the terminal's master, if there is a
// terminal.
Result<Fd> enter_root(const ContainerStart& start, NodeParts& node) {
  const OciSpec& spec = node.spec;
  std::vector<PreparedMount>& mounts = node.mounts;
  LICHEN_TRY(make_file_systems(spec.mounts, start.mounts, mounts));
  LICHEN_TRY(isolate_mounts());
  LICHEN_TRY(take_image_parts(mounts, start.place));
  LICHEN_TRY(attach_root(start.root, start.place));
  LICHEN_TRY(attach_mounts(start.root, mounts));
  LICHEN_TRY(attach_devices(start.root, node.devices));
  if (!has_mount_at(spec, "/dev", true)) {
    LICHEN_ASSIGN(Fd dev, ensure_directory(start.root, "/dev"));
    LICHEN_TRY(make_dev_links(start.root));
  }
  LICHEN_ASSIGN(Fd master, make_terminal(start, spec));
  LICHEN_ASSIGN(Fd directory, ensure_directory(start.root, spec.process.directory));
  LICHEN_TRY(make_paths_readonly(start.root, spec.readonly_paths));
  LICHEN_TRY(mask_paths(start.root, spec.masked_paths, std::move(node.null_device)));
  LICHEN_TRY(finish_mounts(mounts));
  if (spec.readonly_root) LICHEN_TRY(change_mount(start.root, kReadOnly, 0, 0, false));
  LICHEN_TRY(switch_root(start.root));
  if (spec.root_propagation != 0 && mount(nullptr, "/", nullptr, spec.root_propagation, nullptr) != 0)
    return sys_error("mount", "/ (propagation)");
  return master;
}

Result<OciSpec> read_spec(const Fd& memfd) {
  // A second open file: the position of the daemon's is its own.
  LICHEN_ASSIGN(std::string text, read_file(self_path(memfd)));
  return read_oci_spec(text);
}

struct Prepared {
  OciProcess process;
  std::optional<SeccompFilter> filter;
  Fd terminal;
  Fd saved_filter;
};

Status prepare_filter(const ContainerStart& start, const OciSpec& spec, Prepared& prepared) {
  if (start.filter) {
    if (!spec.seccomp)
      return plain_error("INVALID_FDS", "apply seccomp filter", "",
                         "the spec has no profile that it could be of");
    LICHEN_ASSIGN(prepared.filter, load_saved_seccomp(start.filter));
  } else if (spec.seccomp) {
    LICHEN_ASSIGN(prepared.filter, compile_seccomp(*spec.seccomp));
    LICHEN_ASSIGN(prepared.saved_filter, save_seccomp(*prepared.filter));
  }
  return {};
}

Result<Prepared> prepare(ContainerStart& start) {
  if (start.node) {
    LICHEN_TRY(become_namespace_root());
  } else {
    LICHEN_ASSIGN(start.node, take_node_parts(start));
    LICHEN_TRY(own_streams(start.streams, start.node->spec.process.user.uid));
  }
  Prepared prepared;
  OciProcess& process = start.node->spec.process;
  // The cgroup namespace is rooted where the process is, so it is made after the birth in the container's
  // cgroup.
  if (unshare(CLONE_NEWCGROUP) != 0) return sys_error("unshare", "CLONE_NEWCGROUP");
  LICHEN_ASSIGN(Fd null, open_at(Fd(), "/dev/null", O_RDWR));
  LICHEN_TRY(install_streams(start.streams, null));
  LICHEN_TRY(prepare_filter(start, start.node->spec, prepared));
  LICHEN_TRY(choose_confinement(process));
  LICHEN_ASSIGN(prepared.terminal, enter_root(start, *start.node));
  LICHEN_TRY(assume_identity(process, prepared.filter.has_value()));
  prepared.process = std::move(process);
  return prepared;
}

std::vector<const Fd*> kept(const ContainerStart& start) {
  std::vector<const Fd*> list = {&start.spec,       &start.root,        &start.filter,       &start.channel,
                                 &start.streams.in, &start.streams.out, &start.streams.error};
  if (start.mounts.shm != nullptr) list.push_back(start.mounts.shm);
  if (!start.node) return list;
  for (const PreparedMount& mount : start.node->mounts) list.push_back(&mount.mount);
  for (const PreparedDevice& device : start.node->devices) list.push_back(&device.mount);
  list.push_back(&start.node->null_device);
  return list;
}

}  // namespace

Result<NodeParts> take_node_parts(const ContainerStart& start) {
  NodeParts parts;
  LICHEN_ASSIGN(parts.spec, read_spec(start.spec));
  LICHEN_ASSIGN(parts.mounts, open_bind_sources(parts.spec.mounts, start.mounts));
  LICHEN_ASSIGN(parts.devices, prepare_devices(devices_of(parts.spec)));
  LICHEN_ASSIGN(parts.null_device, clone_mount(Fd(), "/dev/null", false));
  return parts;
}

void run_container_child(ContainerStart start) {
  reset_signals();
  close_all_but(kept(start));
  setsid();
  // Nobody in the pod may look into this process while it still has the monitor's powers.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  auto prepared = prepare(start);
  if (!prepared) report_failure(start.channel, prepared.error(), 126);
  if (auto told = report_ready(start.channel, prepared->terminal, prepared->saved_filter); !told)
    report_failure(start.channel, told.error(), 126);
  // What execve would close anyway, closed now: a created container may wait long.
  close_all_but({&start.channel});
  wait_for_go(start.channel);
  LICHEN_MAY_FAIL_FROM_HERE("start");
  Error failure = run_process(prepared->process, prepared->filter);
  report_failure(start.channel, failure, exit_code_of(failure));
}

}  // namespace lichen::monitor
