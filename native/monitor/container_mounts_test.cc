#include "monitor/container_mounts.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mount_api.h"
#include "core/root_path.h"
#include "core/root_switch.h"
#include "in_namespaces.h"

using namespace lichen;
using namespace lichen::monitor;

namespace {

OciMount mount_of(std::string destination, std::string type, std::string source,
                  const std::vector<std::string>& options) {
  return {std::move(destination), std::move(type), std::move(source),
          std::move(parse_mount_options(options)).value()};
}

Result<std::vector<PreparedMount>> prepare(const std::vector<OciMount>& mounts, const MountContext& context) {
  LICHEN_ASSIGN(std::vector<PreparedMount> prepared, open_bind_sources(mounts, context));
  LICHEN_TRY(make_file_systems(mounts, context, prepared));
  return prepared;
}

bool can_write(const Fd& root, const std::string& path) {
  return open_in_root(root, path, O_CREAT | O_WRONLY, 0600).ok();
}

// A root on a tmpfs at /tmp, and beside it a tmpfs at /mnt with /mnt/data/file to bind from.
Result<Fd> stage() {
  LICHEN_ASSIGN(Fd source, new_mount("tmpfs", "source", {}, 0));
  LICHEN_ASSIGN(Fd place, open_at({}, "/mnt", O_PATH));
  LICHEN_TRY(attach_mount(source, place));
  LICHEN_ASSIGN(Fd file, ensure_file(source, "/data/file"));
  return new_mount("tmpfs", "root", {}, 0);
}

std::string binds() {
  auto root = stage();
  if (!root) return root.error().text();
  auto mounts = prepare({mount_of("/rw", "bind", "/mnt/data", {"rbind"}),
                         mount_of("/a/ro", "bind", "/mnt/data", {"bind", "ro"}),
                         mount_of("/a/ro/../one/file", "bind", "/mnt/data/file", {"bind"}),
                         mount_of("/t", "tmpfs", "tmpfs", {"ro", "size=1m"}),
                         mount_of("/t/inside", "bind", "/mnt/data", {"bind"})},
                        {});
  if (!mounts) return mounts.error().text();
  TRY_TEXT(isolate_mounts());
  TRY_TEXT(attach_root(root.value(), "/tmp"));
  TRY_TEXT(attach_mounts(root.value(), mounts.value()));
  TRY_TEXT(finish_mounts(mounts.value()));
  if (!can_write(root.value(), "/rw/new")) return "a writable bind cannot be written";
  if (access("/mnt/data/new", F_OK) != 0) return "a bind is not its source";
  if (can_write(root.value(), "/a/ro/x")) return "a read-only bind can be written";
  if (can_write(root.value(), "/t/x")) return "a read-only tmpfs can be written in the end";
  if (!can_write(root.value(), "/t/inside/x")) return "a mount below a read-only tmpfs is read-only too";
  struct stat found {};
  if (stat("/tmp/a/one/file", &found) != 0 || !S_ISREG(found.st_mode))
    return "a file was not bound to a file";
  return "";
}

std::string links_in_the_image() {
  auto root = stage();
  if (!root) return root.error().text();
  auto mounts = prepare({mount_of("/escape/x", "bind", "/mnt/data", {"bind"}),
                         mount_of("/run/secrets", "bind", "/mnt/data", {"bind"})},
                        {});
  TRY_TEXT(isolate_mounts());
  TRY_TEXT(attach_root(root.value(), "/tmp"));
  if (symlinkat("/mnt", root->get(), "escape") != 0) return "symlink";
  if (symlinkat("../../../../mnt", root->get(), "run") != 0) return "symlink";
  TRY_TEXT(attach_mounts(root.value(), mounts.value()));
  if (access("/mnt/x", F_OK) == 0 || access("/mnt/secrets", F_OK) == 0) return "a link led out of the root";
  if (access("/tmp/mnt/x/file", F_OK) != 0) return "a link was not followed inside the root";
  return "";
}

// Two layers on the tmpfs at /mnt: the upper one hides what is below at data/file, and both have something
// else.
std::string images() {
  auto root = stage();
  if (!root) return root.error().text();
  auto at_mnt = open_at({}, "/mnt", O_PATH);
  if (!at_mnt) return at_mnt.error().text();
  for (const char* path : {"/lower/data/file", "/lower/other", "/upper/data/file", "/upper/data/more/x"})
    if (auto made = ensure_file(at_mnt.value(), path); !made) return made.error().text();
  if (symlink("/data/more", "/mnt/upper/link") != 0) return "symlink";
  const std::string lower = "lowerdir+=/mnt/lower", upper = "lowerdir+=/mnt/upper";
  auto part = [&](const char* path) { return std::string("lichen.subpath=") + path; };
  auto mounts = prepare({mount_of("/whole", "overlay", "image", {upper, lower, "noexec"}),
                         mount_of("/one", "overlay", "image", {lower}),
                         mount_of("/part", "overlay", "image", {upper, lower, part("link")}),
                         mount_of("/file", "overlay", "image", {lower, part("/data/file")}),
                         mount_of("/above", "overlay", "image", {upper, lower, part("../../data")})},
                        {});
  if (!mounts) return mounts.error().text();
  TRY_TEXT(isolate_mounts());
  TRY_TEXT(take_image_parts(mounts.value(), "/tmp"));
  TRY_TEXT(attach_root(root.value(), "/tmp"));
  TRY_TEXT(attach_mounts(root.value(), mounts.value()));
  for (const char* path : {"whole/other", "whole/data/more/x", "one/other", "part/x", "file", "above/file"})
    if (access((std::string("/tmp/") + path).c_str(), F_OK) != 0) return std::string(path) + " is missing";
  if (access("/tmp/part/data", F_OK) == 0 || access("/tmp/above/other", F_OK) == 0)
    return "more than the part";
  for (const char* path : {"/whole/x", "/one/x", "/part/y", "/file"})
    if (can_write(root.value(), path)) return std::string(path) + " can be written";
  return "";
}

std::string missing_part_of_an_image() {
  auto root = stage();
  if (!root) return root.error().text();
  auto mounts =
      prepare({mount_of("/x", "overlay", "image", {"lowerdir+=/mnt/data", "lichen.subpath=no/where"})}, {});
  if (!mounts) return mounts.error().text();
  TRY_TEXT(isolate_mounts());
  auto done = take_image_parts(mounts.value(), "/tmp");
  if (done) return "taken";
  std::string text = done.error().text();
  if (text.find("\"no/where\": the image has no such path") == std::string::npos) return text;
  auto unknown = prepare({mount_of("/x", "overlay", "image", {"lowerdir+=/mnt/data", "upperdir=/mnt"})}, {});
  return unknown ? "an upper directory is taken" : "";
}

std::string refusals() {
  auto refused = [](OciMount mount) {
    auto done = prepare({std::move(mount)}, {});
    return done ? std::string("taken") : done.error().text();
  };
  std::string missing = refused(mount_of("/x", "bind", "/nonexistent", {"rbind"}));
  if (missing.find("mount at \"/x\": open_tree \"/nonexistent\"") != 0) return missing;
  if (refused(mount_of("/x", "ext4", "/dev/sda", {})).find("UNSUPPORTED_MOUNT") == std::string::npos)
    return "any file system is taken";
  if (refused(mount_of("/x", "bind", "lichen:shm", {"bind"})).find("INVALID_SPEC") == std::string::npos)
    return "a pod without shared memory gave some";
  return "";
}

std::string shared_memory() {
  auto shm = new_mount("tmpfs", "shm", {{"mode", "1777"}}, 0);
  auto root = stage();
  if (!shm || !root) return "no tmpfs";
  MountContext context;
  context.shm = &shm.value();
  auto mounts = prepare(
      {mount_of("/one", "bind", "lichen:shm", {"bind"}), mount_of("/two", "bind", "lichen:shm", {"bind"})},
      context);
  if (!mounts && mounts.error().code == "EINVAL") return "skip: the kernel cannot copy a detached mount";
  if (!mounts) return mounts.error().text();
  TRY_TEXT(isolate_mounts());
  TRY_TEXT(attach_root(root.value(), "/tmp"));
  TRY_TEXT(attach_mounts(root.value(), mounts.value()));
  if (!can_write(root.value(), "/one/x") || access("/tmp/two/x", F_OK) != 0) return "it is not shared";
  return "";
}

}  // namespace

#define CHECK_IN_MOUNT_NAMESPACE(body)                    \
  do {                                                    \
    std::string wrong = in_namespaces(body, CLONE_NEWNS); \
    LICHEN_SKIP_UNLESS_RUN(wrong);                        \
    CHECK(wrong == "");                                   \
  } while (0)

TEST_CASE("binds and file systems in order, read-only where asked") { CHECK_IN_MOUNT_NAMESPACE(binds); }
TEST_CASE("links of the image lead nowhere outside") { CHECK_IN_MOUNT_NAMESPACE(links_in_the_image); }
TEST_CASE("images and parts of them, always read-only") { CHECK_IN_MOUNT_NAMESPACE(images); }
TEST_CASE("a part that an image does not have is named") {
  CHECK_IN_MOUNT_NAMESPACE(missing_part_of_an_image);
}
TEST_CASE("what cannot be mounted is named") { CHECK_IN_MOUNT_NAMESPACE(refusals); }
TEST_CASE("the pod's shared memory is one for all containers") { CHECK_IN_MOUNT_NAMESPACE(shared_memory); }
