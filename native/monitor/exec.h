// One process that was run in a running container.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/child_process.h"
#include "core/fd.h"
#include "core/terminal.h"
#include "monitor/answer.h"
#include "monitor/child_report.h"
#include "monitor/container.h"
#include "monitor/context.h"
#include "monitor/exec_child.h"

namespace lichen {
class Connection;
}

namespace lichen::monitor {

struct ExecRequest {
  std::string exec;
  const Connection* owner = nullptr;  // only to be compared
  bool terminal = false;
  int64_t timeout_ms = 0;
  int64_t grace_ms = 0;  // see abandon()
  TerminalSize size;
};

class Exec {
 public:
  Exec(Context& context, ExecRequest request) : context_(context), request_(std::move(request)) {}
  ~Exec();
  Exec(const Exec&) = delete;
  Exec& operator=(const Exec&) = delete;

  // `reply` is called when the command runs, or has failed and is reaped.
  Status begin(const Container& container, Fd process, StandardStreams streams, Reply reply);
  // To its whole process group.
  Status signal(int number);
  Status resize(const TerminalSize& size);
  // Nobody is there for it any more: hangs its terminal up (the daemon's descriptors are gone, too), and
  // kills it with all its descendants when it has not ended after its grace.
  void abandon();
  void reaped(int status);

  const std::string& id() const { return request_.exec; }
  // Whoever began it.
  const Connection* owner() const { return request_.owner; }
  pid_t pid() const { return process_.pid; }

 private:
  void hear();
  void channel_closed();
  // SIGKILL for all that has come of it, also what has left its process group or its parent.
  void kill_all();

  Context& context_;
  ExecRequest request_;
  ChildProcess process_;
  Fd channel_;
  Fd terminal_;
  std::optional<Error> failure_;
  Reply reply_;
  EventLoop::TimerId timer_ = 0;
  EventLoop::TimerId grace_timer_ = 0;
  bool timed_out_ = false;
};

}  // namespace lichen::monitor
