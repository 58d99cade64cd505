// For tests that need to make links, mounts or rules: a forked process with a user and network namespace of
// its own.
#pragma once

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "core/fd.h"

// Becomes root of new user, network and `more` namespaces, with no other id mapped.
inline lichen::Status enter_namespaces(int more) {
  std::string uid = std::to_string(getuid());
  std::string gid = std::to_string(getgid());
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET | more) != 0) return lichen::sys_error("unshare");
  LICHEN_TRY(lichen::write_file("/proc/self/setgroups", "deny"));
  LICHEN_TRY(lichen::write_file("/proc/self/uid_map", "0 " + uid + " 1"));
  return lichen::write_file("/proc/self/gid_map", "0 " + gid + " 1");
}

// Runs `body` in such a process (with `more` namespaces besides) and gives its text back: what went wrong,
// empty for nothing; "skip: …" where the kernel gives no such namespaces.
inline std::string in_namespaces(const std::function<std::string()>& body, int more = 0) {
  auto pipe = lichen::make_pipe();
  REQUIRE(pipe.ok());
  pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string text;
    auto entered = enter_namespaces(more);
    text = entered ? body() : "skip: " + entered.error().text();
    if (!lichen::write_all(pipe->write, text.data(), text.size())) _exit(1);
    _exit(0);
  }
  pipe->write.reset();
  auto text = lichen::read_all(pipe->read);
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(text.ok());
  CHECK(status == 0);
  return text.value();
}

// Leaves the test, saying why, when in_namespaces could not run it.
#define LICHEN_SKIP_UNLESS_RUN(text)  \
  do {                                \
    if (text.starts_with("skip: ")) { \
      MESSAGE(text);                  \
      return;                         \
    }                                 \
  } while (0)

// Within a body: a failed Status becomes the body's text.
#define TRY_TEXT(expression) \
  if (auto status_ = (expression); !status_) return status_.error().text()
