#include "core/credentials.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

using namespace lichen;

namespace {

// Exit code of a forked child that runs `check` (0: true).
template <class Check>
int in_child(Check check) {
  pid_t pid = fork();
  if (pid == 0) _exit(check() ? 0 : 1);
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("becoming oneself works for anybody") {
  CHECK(in_child([] {
          Credentials self{getuid(), getgid(), {}};
          return become(self).ok() && getuid() == self.uid && getgid() == self.gid;
        }) == 0);
}

TEST_CASE("an id that cannot be had is named") {
  if (getuid() == 0) {
    MESSAGE("skipped: uid 0 may become anybody");
    return;
  }
  CHECK(in_child([] {
          auto done = become({getuid(), getgid() + 1, {}});
          return !done.ok() && done.error().number == EPERM && done.error().operation == "setresgid";
        }) == 0);
}
