#include "core/root_switch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/dev_nodes.h"
#include "core/mount_api.h"
#include "core/proc_paths.h"
#include "core/root_path.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

bool exists(const char* path) { return access(path, F_OK) == 0; }
bool is(const char* path, unsigned type) {
  struct stat found {};
  return stat(path, &found) == 0 && (found.st_mode & S_IFMT) == type;
}

// A root file system on a tmpfs: /secret/file, /open/file, /plain.
Result<Fd> make_root() {
  LICHEN_ASSIGN(Fd root, new_mount("tmpfs", "root", {{"mode", "0755"}}, 0));
  return root;
}

Status fill(const Fd& root) {
  for (const char* path : {"/secret/file", "/open/file", "/plain"}) {
    LICHEN_ASSIGN(Fd made, ensure_file(root, path));
  }
  return {};
}

std::string whole_root() {
  auto root = make_root();
  if (!root) return root.error().text();
  auto devices = prepare_devices(standard_device_nodes());
  if (!devices) return devices.error().text();
  auto null_device = clone_mount(Fd(), "/dev/null", false);
  if (!null_device) return null_device.error().text();
  TRY_TEXT(isolate_mounts());
  TRY_TEXT(attach_root(root.value(), "/tmp"));
  TRY_TEXT(fill(root.value()));
  TRY_TEXT(attach_devices(root.value(), devices.value()));
  TRY_TEXT(make_dev_links(root.value()));
  TRY_TEXT(make_dev_links(root.value()));  // what is there stays
  TRY_TEXT(make_paths_readonly(root.value(), {"/open", "/nonexistent"}));
  TRY_TEXT(mask_paths(root.value(), {"/secret", "/plain", "/open/file", "/no/such", "/plain/x"},
                      std::move(null_device).value()));
  TRY_TEXT(switch_root(root.value()));

  if (exists("/proc") || exists("/usr") || exists("../../etc")) return "the old root is still there";
  if (exists("/secret/file") || !is("/secret", S_IFDIR)) return "a masked directory shows what is in it";
  if (!is("/plain", S_IFCHR) || !is("/open/file", S_IFCHR)) return "a masked file is not a null device";
  if (open_at({}, "/open/new", O_CREAT | O_WRONLY, 0600)) return "a read-only directory takes files";
  if (open_at({}, "/secret/new", O_CREAT | O_WRONLY, 0600)) return "a masked directory takes files";
  if (!is("/dev/null", S_IFCHR) || !is("/dev/urandom", S_IFCHR)) return "a device is missing";
  if (!write_file("/dev/null", "x")) return "/dev/null cannot be written";
  char target[64]{};
  if (readlink("/dev/stdout", target, sizeof target) < 0 || std::string(target) != "/proc/self/fd/1")
    return "a link in /dev is missing";
  return "";
}

std::string refused_devices() {
  auto file = prepare_devices({{"/dev/x", "/etc/passwd", true}});
  if (file || file.error().code != "ENODEV") return "a file was taken for a device";
  auto missing = prepare_devices({{"/dev/x", "/dev/nonexistent", true}});
  if (missing || missing.error().code != "ENOENT") return "a missing device was found";
  auto masked = prepare_devices({{"/dev/x", "/dev/null", false}});
  if (!masked) return masked.error().text();
  return "";
}

}  // namespace

TEST_CASE("a root file system with devices, masked and read-only paths; the old root is gone") {
  std::string wrong = in_namespaces(whole_root, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("only devices are bound as devices") {
  std::string wrong = in_namespaces(refused_devices, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}
