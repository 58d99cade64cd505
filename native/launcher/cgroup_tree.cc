#include "launcher/cgroup_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/cgroup.h"
#include "core/text.h"
#include "launcher/cgroup_path.h"

namespace lichen::launcher {

namespace {

constexpr std::chrono::milliseconds kPatience{2000};

std::optional<CgroupMount> own_mount() {
  auto mountinfo = read_file("/proc/self/mountinfo");
  return mountinfo ? find_cgroup_mount(mountinfo.value()) : std::nullopt;
}

std::vector<std::string> read_words(const std::string& path) {
  auto text = read_file(path);
  std::vector<std::string> words;
  if (!text) return words;
  for (std::string_view word : split_words(trim(text.value()))) words.emplace_back(word);
  return words;
}

Status move_here(const std::string& directory) { return write_file(directory + "/cgroup.procs", "0"); }

// Hands down what `directory` has. One by one, as one controller that refuses must not take the others with
// it.
Status hand_down(const std::string& directory) {
  Status first;
  for (const std::string& controller : read_words(directory + "/cgroup.controllers")) {
    Status written = write_file(directory + "/cgroup.subtree_control", "+" + controller);
    if (!written && first) first = std::move(written);
  }
  return first;
}

void take_back(const std::string& directory) {
  for (const std::string& controller : read_words(directory + "/cgroup.subtree_control"))
    (void)write_file(directory + "/cgroup.subtree_control", "-" + controller);
}

// Moves us to S/node. S must be able to hold a process for a moment (its namespace is made from within), so
// it hands nothing down yet.
Status settle(const std::string& directory) {
  LICHEN_TRY(create_cgroup(directory));
  take_back(directory);
  LICHEN_TRY(create_cgroup(directory + "/node"));
  return move_here(directory + "/node");
}

// geteuid() == 0 writes anywhere, which says nothing about delegation; lichen does not run as root.
bool is_writable(const std::string& directory) {
  return access(directory.c_str(), W_OK) == 0 && access((directory + "/cgroup.procs").c_str(), W_OK) == 0;
}

bool systemd_runs() { return access("/run/systemd/system", F_OK) == 0; }

CgroupTree without(const std::string& reason, const std::string& hint, Warnings& warnings) {
  warnings.push_back({"CGROUP_NOT_DELEGATED", "no limits, no accounting by cgroup: " + reason, hint});
  CgroupTree tree;
  tree.reason = reason;
  return tree;
}

Result<CgroupTree> enter_named(const std::string& directory) {
  auto mount = own_mount();
  auto path = mount ? cgroup_path_of(*mount, directory) : std::nullopt;
  if (!path)
    return plain_error("NOT_A_CGROUP", "use cgroup", "\"" + directory + "\"", "not below a cgroup2 mount");
  Status settled = settle(directory);
  if (!settled) return std::move(settled).error().within("use cgroup \"" + directory + "\"");
  return CgroupTree{true, directory, *path, {}, "", false, ""};
}

}  // namespace

std::string delegation_hint(const CgroupFinding& own) {
  if (systemd_runs()) return "systemd-run --user --scope -p Delegate=yes lichen serve";
  if (own.mount_point.empty()) return "sudo mount -t cgroup2 cgroup2 /sys/fs/cgroup";
  // $$ is the shell that this is pasted into: what it starts from then on sits in the new cgroup.
  std::string mine = own.mount_point + "/lichen-" + std::to_string(getuid());
  return "sudo sh -c \"mkdir -p " + mine + " && cd " + mine + " && chown " + std::to_string(getuid()) +
         " . cgroup.procs cgroup.threads cgroup.subtree_control && echo $$ > cgroup.procs\"";
}

std::string controllers_hint(const CgroupFinding& own) {
  bool there = std::find(own.root_controllers.begin(), own.root_controllers.end(), "memory") !=
               own.root_controllers.end();
  if (!there) {
    return "boot without cgroup v1: add systemd.unified_cgroup_hierarchy=1 cgroup_no_v1=all to the kernel's "
           "command line";
  }
  if (!systemd_runs()) return delegation_hint(own);
  // The user's systemd learns what it has only when it is started.
  return "sudo mkdir -p /etc/systemd/system/user@.service.d && "
         "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | "
         "sudo tee /etc/systemd/system/user@.service.d/lichen.conf && sudo systemctl daemon-reload "
         "# then log out of everything, and in again";
}

CgroupFinding inspect_own_cgroup() {
  CgroupFinding finding;
  auto text = read_file("/proc/self/cgroup");
  auto path = text ? find_cgroup_path(text.value()) : std::nullopt;
  auto mount = own_mount();
  if (mount) {
    finding.mount_point = mount->point;
    finding.root_controllers = read_words(mount->point + "/cgroup.controllers");
  }
  if (!path || !mount) {
    finding.reason = "no cgroup2 hierarchy is mounted";
    return finding;
  }
  auto directory = cgroup_directory(*mount, *path);
  if (!directory) {
    finding.reason = "our cgroup " + *path + " is not below the mount " + mount->point;
    return finding;
  }
  finding.path = *path;
  finding.directory = *directory;
  finding.seat = *directory;
  // DelegateSubgroup= seats a service's processes in a leaf, so that the unit's own cgroup can hand
  // controllers down, and hold a later process although it does.
  std::string above = path->substr(0, path->rfind('/'));
  std::string directory_above = directory->substr(0, directory->rfind('/'));
  if (!is_unit(*path) && is_unit(above) && is_writable(directory_above)) {
    finding.path = above;
    finding.directory = directory_above;
  }
  finding.controllers = read_words(finding.directory + "/cgroup.controllers");
  finding.writable = is_writable(finding.directory);
  if (!finding.writable) finding.reason = "our cgroup " + *path + " is not delegated to us (not writable)";
  return finding;
}

Result<CgroupTree> enter_cgroup_tree(const std::string& choice, const std::string& identity,
                                     Warnings& warnings) {
  if (choice == "none") {
    CgroupTree tree;
    tree.reason = "switched off by --cgroup none";
    return tree;
  }
  if (choice != "auto") return enter_named(choice);

  CgroupFinding own = inspect_own_cgroup();
  if (!own.writable) return without(own.reason, delegation_hint(own), warnings);
  std::string directory = own.directory + "/" + subtree_name(identity);
  // Whatever lives in there has lost its node: its namespaces could not be found again.
  Status cleared = kill_cgroup(directory, kPatience);
  if (cleared) cleared = remove_cgroup(directory, kPatience);
  Status settled = cleared ? settle(directory) : std::move(cleared);
  if (!settled) return without(settled.error().text(), "", warnings);

  // Processes beside us (the shell that started us) keep the controllers up there: EBUSY.
  Status handed = hand_down(own.directory);
  if (!handed) {
    warnings.push_back({"CGROUP_CONTROLLERS",
                        "our cgroup " + own.path + " cannot hand its controllers down: " +
                            handed.error().text() + "; start lichen as a service or scope of its own",
                        delegation_hint(own)});
  }
  std::string path = own.path == "/" ? "" : own.path;
  std::string seat = own.seat == own.directory ? "" : own.seat;
  return CgroupTree{true, directory, path + "/" + subtree_name(identity), {}, "", true, seat};
}

bool has_cgroup_tree(const std::string& host_path) {
  auto mount = own_mount();
  auto directory = mount ? cgroup_directory(*mount, host_path) : std::nullopt;
  return directory && access(directory->c_str(), F_OK) == 0;
}

CgroupTree rejoin_cgroup_tree(const std::string& host_path, const std::string& identity, Warnings& warnings) {
  auto mount = own_mount();
  auto directory = mount ? cgroup_directory(*mount, host_path) : std::nullopt;
  if (!directory || access(directory->c_str(), F_OK) != 0)
    return without("the node's cgroup " + host_path + " is gone", "", warnings);
  bool ours = host_path.ends_with("/" + subtree_name(identity));
  CgroupTree tree{true, *directory, host_path, {}, "", ours, inspect_own_cgroup().seat};
  Status moved = create_cgroup(*directory + "/node");
  if (moved) moved = move_here(*directory + "/node");
  if (!moved) {
    warnings.push_back(
        {"CGROUP_OUTSIDE",
         "the launcher could not go back to the node's cgroup, new containers are placed by hand: " +
             moved.error().text(),
         ""});
  }
  return tree;
}

Result<CgroupSeats> open_seats(const CgroupTree& tree) {
  if (!tree.delegated) return CgroupSeats{};
  LICHEN_ASSIGN(Fd root, open_at({}, tree.directory + "/cgroup.procs", O_WRONLY));
  LICHEN_ASSIGN(Fd node, open_at({}, tree.directory + "/node/cgroup.procs", O_WRONLY));
  return CgroupSeats{std::move(root), std::move(node)};
}

void enable_controllers(CgroupTree& tree, Warnings& warnings) {
  if (!tree.delegated) return;
  Status handed = hand_down(tree.directory);
  if (!handed)
    warnings.push_back(
        {"CGROUP_CONTROLLERS", "not every controller is usable: " + handed.error().text(), ""});
  tree.controllers = read_words(tree.directory + "/cgroup.subtree_control");
}

void leave_cgroup_tree(const CgroupTree& tree) {
  if (!tree.delegated || !tree.ours) return;
  std::string parent = tree.directory + "/..";
  // A cgroup that hands controllers down takes no process. The parent's go back unless another node there
  // uses them: then the subtree stays, empty but for us, until the next start (or until systemd removes the
  // scope).
  take_back(tree.directory);
  take_back(parent);
  if (!(tree.seat.empty() ? move_here(parent) : move_here(tree.seat))) return;
  (void)remove_cgroup(tree.directory, std::chrono::milliseconds(200));
}

}  // namespace lichen::launcher
