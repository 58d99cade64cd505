#include "monitor/command.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "core/user_namespace.h"
#include "monitor/monitor.h"
#include "monitor/own_executable.h"
#include "monitor/pod_init.h"

using namespace lichen;

namespace {

constexpr int kFirstConnection = 3;
constexpr int kPodDirectory = 4;

int fail(const std::string& text) {
  fprintf(stderr, "lichen-monitor: %s\n", text.c_str());
  return 1;
}

int serve_pod(char** argv) {
  if (auto done = monitor::protect_own_executable(argv); !done) return fail(done.error().text());
  for (int number : {kFirstConnection, kPodDirectory})
    if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0)
      return fail(
          "descriptors 3 (connection) and 4 (pod directory) are missing; the lichen daemon starts this "
          "program");
  auto done = monitor::run_monitor(argv[3], Fd(kFirstConnection), Fd(kPodDirectory));
  return done ? 0 : fail(done.error().text());
}

// Whether a pod could have a user namespace of its own here: status 0, or the reason on stderr.
int try_user_namespace() {
  auto made = make_nested_namespaces({{{0, 1, 2}}, {{0, 1, 2}}}, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
  return made ? 0 : fail(made.error().text());
}

}  // namespace

namespace lichen::monitor {

int run_command(int argc, char** argv) {
  std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "init" && argc == 2) run_pod_init();
  if (mode == "try-user-namespace" && argc == 2) return try_user_namespace();
  if (mode == "pod" && argc == 4 && std::string(argv[2]) == "--id") return serve_pod(argv);
  fputs("usage: lichen-monitor pod --id SANDBOX_ID\n", stderr);
  return 2;
}

}  // namespace lichen::monitor
