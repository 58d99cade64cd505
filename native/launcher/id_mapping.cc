#include "launcher/id_mapping.h"

#include <unistd.h>

#include "core/fd.h"
#include "core/subids.h"
#include "core/text.h"
#include "launcher/program.h"

namespace lichen::launcher {

namespace {

// A pod whose image knows a handful of users needs this many; the kubelet hands out blocks of it.
constexpr uint32_t kUsualCount = 65536;

struct Kind {
  const char* what;     // for messages
  const char* file;     // /etc/subuid
  const char* option;   // of usermod
  const char* missing;  // warning codes
  const char* overlap;
  const char* small;
  bool groups;
};

constexpr Kind kUids = {"user",         "/etc/subuid", "--add-subuids", "SUBUID_MISSING", "SUBUID_OVERLAP",
                        "SUBUID_SMALL", false};
constexpr Kind kGids = {"group",        "/etc/subgid", "--add-subgids", "SUBGID_MISSING", "SUBGID_OVERLAP",
                        "SUBGID_SMALL", true};

std::vector<IdRange> find_ranges(const Kind& kind, const std::string& name, uid_t uid) {
  std::string getsubids = find_program("getsubids");
  if (!getsubids.empty()) {
    std::vector<std::string> arguments = {getsubids};
    if (kind.groups) arguments.push_back("-g");
    arguments.push_back(name);
    auto done = run_program(arguments);
    if (done && done->status == 0) {
      std::vector<IdRange> ranges = parse_getsubids(done->output);
      if (!ranges.empty()) return ranges;
    }
  }
  auto text = read_file(kind.file);
  return text ? parse_subid_file(text.value(), name, uid) : std::vector<IdRange>{};
}

// ` --add-subuids FIRST-LAST`: a range of about a million that nobody has.
std::string usermod_option(const Kind& kind) {
  auto text = read_file(kind.file);
  uint64_t first = first_free_subid(text ? text.value() : "");
  return std::string(" ") + kind.option + " " + std::to_string(first) + "-" +
         std::to_string(first + (1 << 20) - 1);
}

std::string usermod_hint(const Kind& kind, const std::string& name) {
  return "sudo usermod" + usermod_option(kind) + " " + name;
}

// The plan for one kind of id; without extents beyond the own one when there are no usable ranges.
std::vector<IdExtent> plan(const Kind& kind, uint32_t own, const std::string& name, Warnings& warnings) {
  std::vector<IdRange> ranges = find_ranges(kind, name, getuid());
  IdPlan plan = plan_id_map(own, ranges);
  for (const IdRange& range : plan.refused) {
    warnings.push_back({kind.overlap,
                        "the subordinate " + std::string(kind.what) + " ids " + std::to_string(range.start) +
                            ":" + std::to_string(range.count) + " of " + name +
                            " are left out: they are empty, or overlap another range or the user's own id",
                        std::string("sudoedit ") + kind.file});
  }
  uint32_t mapped = mapped_ids(plan.extents);
  if (mapped <= 1) {
    warnings.push_back({kind.missing,
                        std::string("no subordinate ") + kind.what + " ids are given to " + name + " in " +
                            kind.file + ": only one id exists in containers",
                        usermod_hint(kind, name)});
  } else if (mapped < kUsualCount) {
    warnings.push_back({kind.small,
                        "only " + std::to_string(mapped) + " " + kind.what +
                            " ids are mapped: images with files or users beyond cannot run",
                        usermod_hint(kind, name)});
  }
  return plan.extents;
}

// Runs newuidmap or newgidmap.
Status run_map_helper(const std::string& helper, pid_t pid, const std::vector<IdExtent>& extents) {
  std::vector<std::string> arguments = {find_program(helper), std::to_string(pid)};
  if (arguments[0].empty()) return plain_error("ID_MAP", helper, "", "is not in PATH");
  for (std::string& argument : id_map_arguments(extents)) arguments.push_back(std::move(argument));
  LICHEN_ASSIGN(ProgramOutput done, run_program(arguments));
  if (done.status == 0) return {};
  return plain_error("ID_MAP", helper, "process " + std::to_string(pid),
                     std::string(trim(done.output)) + " (exit status " + std::to_string(done.status) + ")");
}

std::string map_line(const std::vector<IdExtent>& extents) {
  return "0 " + std::to_string(extents[0].outside) + " 1\n";
}

}  // namespace

IdMapping single_id_mapping() { return {true, {{0, getuid(), 1}}, {{0, getgid(), 1}}}; }

IdMapping plan_id_mapping(Warnings& warnings) {
  for (const char* helper : {"newuidmap", "newgidmap"}) {
    if (!find_program(helper).empty()) continue;
    warnings.push_back({"NEWUIDMAP_MISSING",
                        std::string(helper) + " is not installed: only one id exists in containers",
                        "sudo apt-get install -y uidmap"});
    return single_id_mapping();
  }
  std::string name = login_name();
  IdMapping mapping;
  mapping.uids = plan(kUids, getuid(), name, warnings);
  mapping.gids = plan(kGids, getgid(), name, warnings);
  if (mapping.uids.size() < 2 || mapping.gids.size() < 2) return single_id_mapping();
  return mapping;
}

std::string more_ids_command() {
  return "sudo usermod" + usermod_option(kUids) + usermod_option(kGids) + " " + login_name();
}

Status write_id_mapping(pid_t pid, const IdMapping& mapping) {
  if (!mapping.single) {
    LICHEN_TRY(run_map_helper("newgidmap", pid, mapping.gids));
    return run_map_helper("newuidmap", pid, mapping.uids);
  }
  // gid_map may be written without privilege only when setgroups(2) is off for good (user_namespaces(7)).
  std::string directory = "/proc/" + std::to_string(pid) + "/";
  LICHEN_TRY(write_file(directory + "setgroups", "deny"));
  LICHEN_TRY(write_file(directory + "gid_map", map_line(mapping.gids)));
  return write_file(directory + "uid_map", map_line(mapping.uids));
}

std::string login_name() {
  auto passwd = read_file("/etc/passwd");
  std::string name = passwd ? parse_passwd_name(passwd.value(), getuid()) : "";
  if (!name.empty()) return name;
  std::string id = find_program("id");
  if (!id.empty()) {
    auto done = run_program({id, "-un"});
    if (done && done->status == 0) name = trim(done->output);
  }
  return name.empty() ? std::to_string(getuid()) : name;
}

}  // namespace lichen::launcher
