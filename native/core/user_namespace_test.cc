#include "core/user_namespace.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "core/child_process.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

const NestedIdMap kRoot = {{{0, 0, 1}}, {{0, 0, 1}}};

uint64_t inode_of(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

uint64_t inode_of(const Fd& fd) {
  struct stat found {};
  return fstat(fd.get(), &found) == 0 ? found.st_ino : 0;
}

std::string made_beside_the_caller() {
  uint64_t own = inode_of("/proc/self/ns/user");
  auto made = make_nested_namespaces(kRoot, CLONE_NEWNET | CLONE_NEWUTS);
  if (!made) return made.error().text();
  if (!made->user || !made->network || !made->uts) return "a namespace is missing";
  if (made->ipc) return "a namespace was made that nobody asked for";
  if (inode_of("/proc/self/ns/user") != own) return "the caller has moved";
  if (inode_of(made->network) == inode_of("/proc/self/ns/net")) return "the network is the caller's";
  if (waitpid(-1, nullptr, WNOHANG) != -1) return "a process is left over";
  return "";
}

std::string refusals() {
  auto unmapped = make_nested_namespaces({{{0, 5, 1}}, {{0, 0, 1}}}, 0);
  if (unmapped) return "ids that the caller does not have were mapped";
  if (unmapped.error().operation != "map ids of user namespace" || unmapped.error().object != "uid_map 0 5 1")
    return unmapped.error().text();
  if (waitpid(-1, nullptr, WNOHANG) != -1) return "a process is left over";
  TRY_TEXT(write_file("/proc/sys/user/max_user_namespaces", "0"));
  auto many = make_nested_namespaces(kRoot, 0);
  if (many || many.error().code != "ENOSPC") return "the limit of namespaces is not told";
  return "";
}

std::string born_in_it() {
  auto made = make_nested_namespaces(kRoot, 0);
  if (!made) return made.error().text();
  auto first = clone_process_joining({made->user, Fd()}, CLONE_NEWPID, Fd());
  if (!first) return first.error().text();
  if (first->pid == 0) {
    pause();
    _exit(0);
  }
  std::string process = "/proc/" + std::to_string(first->pid) + "/ns/user";
  if (inode_of(process) != inode_of(made->user)) return "it was not born in the user namespace";
  auto second = clone_process_joining({made->user, first->pidfd}, 0, Fd());
  if (!second) return second.error().text();
  if (second->pid == 0) _exit(getpid() == 2 ? 7 : 8);
  int status = 0;
  if (waitpid(second->pid, &status, 0) != second->pid || WEXITSTATUS(status) != 7)
    return "the second is not in the first one's PID namespace";
  kill(first->pid, SIGKILL);
  waitpid(first->pid, nullptr, 0);
  return "";
}

std::string work_inside() {
  auto made = make_nested_namespaces(kRoot, CLONE_NEWUTS);
  if (!made) return made.error().text();
  uint64_t inside = inode_of(made->user);
  auto good = run_as_namespace_root(made->user, [&]() -> Status {
    return inode_of("/proc/self/ns/user") == inside ? Status() : plain_error("ELSEWHERE", "work", "", "");
  });
  // setgroups(2) is denied where one id only is mapped without privilege, as it is here.
  if (!good && good.error().operation == "setgroups") return "skip: " + good.error().text();
  if (!good) return good.error().text();
  auto bad = run_as_namespace_root(made->user, [] { return Status(plain_error("MINE", "do", "it", "why")); });
  if (bad || bad.error().text() != "do it: why (MINE)") return "an error was lost";
  auto dead = run_as_namespace_root(made->user, []() -> Status { _exit(1); });
  if (dead || dead.error().code != "DIED") return "a death was not noticed";
  return "";
}

}  // namespace

TEST_CASE("an inner id is an outer one, or none") {
  std::vector<IdExtent> extents = {{0, 65536, 10}, {20, 5, 2}};
  CHECK(outer_id(extents, 0) == 65536);
  CHECK(outer_id(extents, 9) == 65545);
  CHECK(outer_id(extents, 10) == UINT32_MAX);
  CHECK(outer_id(extents, 21) == 6);
  CHECK(outer_id({}, 0) == UINT32_MAX);
}

TEST_CASE("namespaces are made in a user namespace of their own, and the caller stays") {
  std::string wrong = in_namespaces(made_beside_the_caller);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("ids that are not there and too many namespaces are refused with the reason") {
  std::string wrong = in_namespaces(refusals);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("a process is born in another user namespace, beside a member of another PID namespace") {
  std::string wrong = in_namespaces(born_in_it);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}

TEST_CASE("work is done as root of another user namespace, and its outcome told") {
  std::string wrong = in_namespaces(work_inside);
  LICHEN_SKIP_UNLESS_RUN(wrong);
  CHECK(wrong == "");
}
