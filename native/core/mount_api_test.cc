#include "core/mount_api.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>

#include "in_namespaces.h"

using namespace lichen;

namespace {

bool can_write(const Fd& directory, const char* name) {
  return open_at(directory, name, O_CREAT | O_WRONLY, 0600).ok();
}

// A directory of its own that the mount namespace hides nothing of: a tmpfs over /tmp.
Result<Fd> fresh_tmp() {
  LICHEN_ASSIGN(Fd mount, new_mount("tmpfs", "tmpfs", {{"mode", "0755"}}, 0));
  LICHEN_ASSIGN(Fd target, open_at({}, "/tmp", O_PATH));
  LICHEN_TRY(attach_mount(mount, target));
  return mount;
}

std::string read_only_copy() {
  auto tmp = fresh_tmp();
  if (!tmp) return tmp.error().text();
  if (!can_write(tmp.value(), "first")) return "a new tmpfs cannot be written";
  auto copy = clone_mount(Fd(), "/tmp", false);
  if (!copy) return copy.error().text();
  TRY_TEXT(change_mount(copy.value(), MOUNT_ATTR_RDONLY, 0, 0, false));
  if (can_write(copy.value(), "second")) return "a read-only copy can be written";
  if (!can_write(tmp.value(), "third")) return "the original became read-only with its copy";
  return "";
}

std::string recursive_read_only() {
  auto tmp = fresh_tmp();
  if (!tmp) return tmp.error().text();
  mkdirat(tmp->get(), "below", 0755);
  auto inner = new_mount("tmpfs", "tmpfs", {}, 0);
  auto place = open_at({}, "/tmp/below", O_PATH);
  if (!inner || !place) return "no inner mount";
  TRY_TEXT(attach_mount(inner.value(), place.value()));
  auto plain = clone_mount(Fd(), "/tmp", true);
  TRY_TEXT(change_mount(plain.value(), MOUNT_ATTR_RDONLY, 0, 0, false));
  if (!can_write(plain.value(), "below/x")) return "plain read-only reached the mount below";
  auto recursive = clone_mount(Fd(), "/tmp", true);
  TRY_TEXT(change_mount(recursive.value(), MOUNT_ATTR_RDONLY, 0, 0, true));
  if (can_write(recursive.value(), "below/y")) return "recursive read-only did not reach the mount below";
  return "";
}

std::string errors_speak() {
  auto bad = new_mount("tmpfs", "tmpfs", {{"size", "a lot"}}, 0);
  if (bad) return "a nonsensical size was taken";
  if (bad.error().object != "tmpfs size=a lot") return bad.error().text();
  auto unknown = new_mount("nosuchfs", "", {}, 0);
  if (unknown || unknown.error().code != "ENODEV") return "an unknown file system was found";
  auto missing = clone_mount(Fd(), "/nonexistent", true);
  if (missing ||
      missing.error().text() != "open_tree \"/nonexistent\" (recursive): No such file or directory (ENOENT)")
    return "a missing source is not named";
  return "";
}

}  // namespace

TEST_CASE("a copy of a mount has flags of its own") {
  std::string wrong = in_namespaces(read_only_copy, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("read-only reaches mounts below only when asked to") {
  std::string wrong = in_namespaces(recursive_read_only, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("errors of mounts name what they are about") {
  std::string wrong = in_namespaces(errors_speak, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}
