#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "core/seccomp_filter.h"

using namespace lichen;

namespace {

Result<SeccompFilter> compiled(const std::string& text) {
  auto document = JsonDocument::parse(text, "profile");
  REQUIRE(document.ok());
  SeccompProfile profile = read_seccomp_profile(document->root());
  LICHEN_TRY(document->status());
  return compile_seccomp(profile);
}

// errno (0: success, 999: killed) of a call made by a child under the filter.
template <class Call>
int under(const SeccompFilter& filter, Call call) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!apply_seccomp(filter)) _exit(250);
    errno = 0;
    // Not _exit(3): before it the sanitizer makes calls of its own, which a strict filter forbids.
    for (;;) syscall(SYS_exit_group, call() < 0 ? errno : 0);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 999;
}

}  // namespace

TEST_CASE("a profile that forbids one call") {
  auto filter =
      compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_X86"],
    "syscalls":[{"names":["getppid"],"action":"SCMP_ACT_ERRNO","errnoRet":38}]})");
  REQUIRE(filter.ok());
  CHECK(under(filter.value(), [] { return syscall(SYS_getppid); }) == ENOSYS);
  CHECK(under(filter.value(), [] { return syscall(SYS_getpid); }) == 0);
}

TEST_CASE("arguments are compared; one named twice means either") {
  auto filter = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
    {"names":["personality"],"action":"SCMP_ACT_ERRNO","args":[
      {"index":0,"value":1,"op":"SCMP_CMP_EQ"},{"index":0,"value":2,"op":"SCMP_CMP_EQ"}]}]})");
  REQUIRE(filter.ok());
  CHECK(under(filter.value(), [] { return syscall(SYS_personality, 1); }) == EPERM);
  CHECK(under(filter.value(), [] { return syscall(SYS_personality, 2); }) == EPERM);
  CHECK(under(filter.value(), [] { return syscall(SYS_personality, 0xffffffff); }) == 0);
}

TEST_CASE("calls after libseccomp's time: named ones as named, others do not exist") {
  auto filter = compiled(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
    {"names":["exit_group","exit","fchmodat2","write","rt_sigprocmask","munmap"],"action":"SCMP_ACT_ALLOW"}]})");
  REQUIRE(filter.ok());
  CHECK(under(filter.value(), [] { return syscall(900); }) == ENOSYS);
  CHECK(under(filter.value(), [] { return syscall(SYS_getppid); }) == EPERM);
  // fchmodat2 on a bad descriptor: the kernel's own answer (ENOSYS before Linux 6.6) and not EPERM.
  int late = under(filter.value(), [] { return syscall(452, -1, "x", 0, 0); });
  CHECK((late == EBADF || late == ENOSYS));
}

TEST_CASE("a filter kept in a memfd is the same") {
  auto filter = compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_LOG"],
    "syscalls":[{"names":["getppid"],"action":"SCMP_ACT_KILL_PROCESS"}]})");
  REQUIRE(filter.ok());
  auto memfd = save_seccomp(filter.value());
  REQUIRE(memfd.ok());
  auto again = load_saved_seccomp(memfd.value());
  REQUIRE(again.ok());
  CHECK(again->flags == filter->flags);
  CHECK(again->program == filter->program);
  CHECK(under(again.value(), [] { return syscall(SYS_getppid); }) == 999);
}

TEST_CASE("what cannot be honoured is refused") {
  CHECK(compiled(R"({"defaultAction":"SCMP_ACT_MAYBE"})").error().code == "INVALID_SECCOMP");
  CHECK(compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PDP11"]})").error().code ==
        "INVALID_SECCOMP");
  CHECK(compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_NEW"]})").error().code ==
        "INVALID_SECCOMP");
  CHECK(
      compiled(
          R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["no_such"],"action":"SCMP_ACT_ERRNO"}]})")
          .error()
          .code == "INVALID_SECCOMP");
  CHECK(compiled(R"({"defaultAction":"SCMP_ACT_ALLOW","listenerPath":"/x"})").error().code ==
        "INVALID_FIELD");
  CHECK(compiled(R"({})").error().code == "INVALID_FIELD");
}
