#include "monitor/monitor.h"

#include <fcntl.h>
#include <malloc.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "core/idle_memory.h"
#include "monitor/processes.h"
#include "monitor/requests.h"
#include "service/pid_file.h"
#include "service/server.h"

namespace lichen::monitor {

namespace {

constexpr const char* kSocket = "monitor.sock";
constexpr const char* kPidFile = "monitor.pid";

Status become_supervisor() {
  setsid();
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return sys_error("prctl", "PR_SET_CHILD_SUBREAPER");
  prctl(PR_SET_NAME, "lichen-monitor", 0, 0, 0);
  for (int number : {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXFSZ}) ::signal(number, SIG_IGN);
  // Packets come and go through buffers of 64 KiB: give such memory back at once.
  mallopt(M_MMAP_THRESHOLD, 32 << 10);
  mallopt(M_TRIM_THRESHOLD, 32 << 10);
  return {};
}

Result<Fd> watch_children() {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &children, nullptr) != 0) return sys_error("sigprocmask");
  Fd fd(signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return sys_error("signalfd");
  return fd;
}

void discard(const Fd& signals) {
  signalfd_siginfo info;
  while (read(signals.get(), &info, sizeof info) > 0) {
  }
}

}  // namespace

Status run_monitor(std::string id, Fd first_connection, Fd directory) {
  LICHEN_TRY(become_supervisor());
  LICHEN_ASSIGN(Fd signals, watch_children());
  LICHEN_ASSIGN(EventLoop loop, EventLoop::create());
  LICHEN_ASSIGN(Scratch scratch, Scratch::create());
  LICHEN_ASSIGN(Pod pod, Pod::create(std::move(id), std::move(directory)));
  LICHEN_TRY(write_pid_file(pod.directory(), kPidFile));

  Server* everybody = nullptr;
  Context context{loop, pod, scratch,
                  [&everybody](const std::string& event) { everybody->broadcast(event); }};
  Processes processes(context);
  Requests requests(context, processes, [&loop] { loop.stop(); });
  Server server(
      loop,
      [&requests](const std::shared_ptr<Connection>& connection, Packet packet) {
        requests.handle(connection, std::move(packet));
      },
      [&processes](const std::shared_ptr<Connection>& closed) { processes.connection_closed(closed.get()); });
  everybody = &server;

  LICHEN_TRY(loop.watch(signals, EPOLLIN, [&](uint32_t) {
    discard(signals);
    processes.reap();
  }));
  loop.on_idle([&scratch] {
    scratch.release();
    give_memory_back();
  });
  LICHEN_TRY(server.listen(pod.directory(), kSocket));
  LICHEN_TRY(server.add(std::move(first_connection)));
  LICHEN_TRY(loop.run());
  pod.tear_down();
  server.remove_socket(pod.directory(), kSocket);
  unlinkat(pod.directory().get(), kPidFile, 0);
  return {};
}

}  // namespace lichen::monitor
