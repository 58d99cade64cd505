// One container: its first process, its output, its end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/child_process.h"
#include "core/fd.h"
#include "core/terminal.h"
#include "monitor/answer.h"
#include "monitor/child_report.h"
#include "monitor/context.h"
#include "monitor/exit_record.h"
#include "monitor/leftovers.h"
#include "monitor/loss_report.h"
#include "monitor/output.h"
#include "monitor/process_child.h"

namespace lichen::monitor {

enum class PidMode { container, pod, node, target };

struct CreateRequest {
  std::string container;
  std::string cgroup;  // absolute directory, or ""
  bool terminal = false;
  bool stdin = false;
  bool stdin_once = false;
  std::string log;
  LogLimits log_limits;
  PidMode pid = PidMode::container;
  std::optional<int> oom_score_adj;
};

// What an attached client wants: to write to the container, and to read what it writes.
struct AttachRequest {
  bool stdin = false;
  bool stdout = false;
  bool stderr = false;
};

// The descriptors of a create request.
struct ContainerFiles {
  Fd spec;    // memfd with the OCI runtime spec
  Fd root;    // detached mount
  Fd filter;  // compiled seccomp filter of an equal profile, or empty
};

class Container {
 public:
  enum class State { creating, created, starting, running, exited };

  Container(Context& context, CreateRequest request);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  // Starts the first process, up to its gate; `reply` is called when it stands there, or has failed and is
  // reaped. `target`: pidfd of the process whose PID namespace to share, for PidMode::target.
  Status create(ContainerFiles files, const Fd& target, Reply reply);
  void start(Reply reply);
  Status signal(int number, bool all);
  Status resize(const TerminalSize& size);
  Status reopen_log() { return output_ ? output_->reopen() : Status(); }
  // `attach` of PROTOCOL.md. `attachment` names the client in the event that tells it was too slow.
  Result<Answer> attach(const AttachRequest& request, int64_t attachment);

  // Its first process has been reaped with this status of waitpid(2).
  void reaped(int status);
  // SIGKILL to all of it.
  void kill();

  const std::string& id() const { return request_.container; }
  State state() const { return state_; }
  pid_t pid() const { return process_.pid; }
  const Fd& pidfd() const { return process_.pidfd; }
  // It lives in the node's PID namespace, as the monitor does.
  bool in_node_pids() const { return request_.pid == PidMode::node; }
  const Fd& seccomp() const { return seccomp_; }
  const std::string& cgroup() const { return request_.cgroup; }
  std::optional<int> oom_score_adj() const { return request_.oom_score_adj; }
  // Whether its processes are in the monitor's own PID namespace, which nobody without privilege may "join".
  bool shares_node_pids() const { return request_.pid == PidMode::node; }
  // Whether it never stood at its gate: nothing is left of it, and nobody was told of it but by the failed
  // create.
  bool failed_to_create() const { return create_failed_; }
  // `state` of PROTOCOL.md.
  std::string to_json() const;

 private:
  Status open_streams(StandardStreams& streams);
  Status adopt(ChildProcess process, Fd channel);
  void hear();
  void report(ChildReport report);
  void channel_closed();
  void finish(const Exit& exit);
  void kill_leftovers();
  Result<Fd> input_for_client();

  Context& context_;
  CreateRequest request_;
  State state_ = State::creating;
  ChildProcess process_;
  std::optional<Space>
      space_;  // by which leftovers are found, where neither cgroup nor PID namespace tells them
  Fd channel_;
  Fd seccomp_;
  Fd terminal_;
  Fd stdin_;  // kept open for as long as the container may read
  std::optional<Error> failure_;
  bool create_failed_ = false;
  LossReport losses_;
  std::unique_ptr<Output> output_;
  Reply create_reply_;
  Reply start_reply_;
  int64_t created_at_ = 0;
  int64_t started_at_ = 0;
  Exit exit_;
};

// Sets /proc/PID/oom_score_adj. Lower than inherited takes CAP_SYS_RESOURCE on the host: then it stays, and
// the answer is what it is.
int set_oom_score_adj(pid_t pid, int value);

}  // namespace lichen::monitor
