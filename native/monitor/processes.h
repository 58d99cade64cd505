// All processes of the pod: containers, execs and the init; who was reaped, and when the last is gone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "monitor/container.h"
#include "monitor/exec.h"

namespace lichen::monitor {

class Processes {
 public:
  explicit Processes(Context& context) : context_(context) {}

  // `target_pid`: for PidMode::target, the first process of a running container of this pod.
  void create(CreateRequest request, pid_t target_pid, ContainerFiles files, Reply reply);
  void remove(const std::string& container, Reply reply);
  void exec(const std::string& container, ExecRequest request, Fd process, StandardStreams streams,
            Reply reply);

  // Abandons the execs that this connection began.
  void connection_closed(const Connection* connection);

  // nullptr: no such one.
  Container* container(const std::string& id);
  Exec* exec(const std::string& id);
  // [state, …] of PROTOCOL.md.
  std::string states() const;

  // Reaps every dead child, ours or inherited.
  void reap();
  // Kills everything; `done` is called once when the last is reaped.
  void shut_down(std::function<void()> done);

 private:
  void reaped(pid_t pid, int status);
  void container_reaped(Container& container, int status);
  void check_shut_down();

  Context& context_;
  std::map<std::string, std::unique_ptr<Container>> containers_;
  std::map<std::string, std::unique_ptr<Exec>> execs_;
  std::map<std::string, Reply> removing_;  // created containers that are being killed
  std::function<void()> shut_down_;
};

}  // namespace lichen::monitor
