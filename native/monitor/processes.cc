#include "monitor/processes.h"

#include <sys/wait.h>

#include <csignal>

namespace lichen::monitor {

namespace {

// Names become file names in the pod's directory.
bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name[0] != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

Error refused(const char* code, const char* operation, const std::string& object, const char* cause) {
  return plain_error(code, operation, object, cause);
}

}  // namespace

Container* Processes::container(const std::string& id) {
  auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second.get();
}

Exec* Processes::exec(const std::string& id) {
  auto found = execs_.find(id);
  return found == execs_.end() ? nullptr : found->second.get();
}

std::string Processes::states() const {
  std::vector<std::string> list;
  for (const auto& [id, container] : containers_) list.push_back(container->to_json());
  return json_list(list);
}

void Processes::create(CreateRequest request, pid_t target_pid, ContainerFiles files, Reply reply) {
  constexpr const char* kOperation = "create container";
  std::string id = request.container;
  if (!valid_name(id)) return reply(refused("INVALID_FIELD", kOperation, id, "not usable as a name"));
  if (shut_down_) return reply(refused("SHUTTING_DOWN", kOperation, id, "the pod is being shut down"));
  if (!context_.pod.ready())
    return reply(refused("NOT_SET_UP", kOperation, id, "the pod has no namespaces yet"));
  if (containers_.contains(id)) return reply(refused("EXISTS", kOperation, id, "there is one of this name"));
  if (request.pid == PidMode::pod && context_.pod.init_pid() == 0)
    return reply(refused("NO_POD_PID", kOperation, id,
                         "the pod has no PID namespace of its own, or its init has died"));
  Fd none;
  const Fd* target = &none;
  for (const auto& [name, other] : containers_)
    if (target_pid > 0 && other->pid() == target_pid) target = &other->pidfd();
  if (request.pid == PidMode::target && !*target)
    return reply(refused("NO_TARGET", kOperation, id, "targetPid is no container of this pod that is there"));
  auto container = std::make_unique<Container>(context_, std::move(request));
  auto begun = container->create(std::move(files), *target, reply);
  if (!begun) return reply(begun.error());
  containers_[id] = std::move(container);
}

void Processes::remove(const std::string& id, Reply reply) {
  Container* found = container(id);
  if (found == nullptr) return reply(Answer{});
  switch (found->state()) {
    case Container::State::exited:
      remove_exit_record(context_.pod.directory(), id);
      containers_.erase(id);
      return reply(Answer{});
    case Container::State::starting:
    case Container::State::running:
      return reply(refused("RUNNING", "delete container", id, "it is running"));
    case Container::State::creating:
    case Container::State::created:
      found->kill();
      removing_[id] = std::move(reply);
  }
}

void Processes::exec(const std::string& container_id, ExecRequest request, Fd process,
                     StandardStreams streams, Reply reply) {
  std::string id = request.exec;
  Container* found = container(container_id);
  if (found == nullptr || found->state() != Container::State::running)
    return reply(refused("NOT_RUNNING", "exec in container", container_id, "it is not running"));
  if (id.empty() || execs_.contains(id))
    return reply(refused("EXISTS", "exec in container", id, "no name, or one that is taken"));
  auto exec = std::make_unique<Exec>(context_, std::move(request));
  auto begun = exec->begin(*found, std::move(process), std::move(streams), reply);
  if (!begun) return reply(begun.error());
  execs_[id] = std::move(exec);
}

void Processes::connection_closed(const Connection* connection) {
  for (auto& [id, exec] : execs_)
    if (exec->owner() == connection) exec->abandon();
}

void Processes::reap() {
  for (;;) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) break;
    reaped(pid, status);
  }
  check_shut_down();
}

void Processes::reaped(pid_t pid, int status) {
  if (pid == context_.pod.init_pid()) return context_.pod.init_gone();
  for (auto& [id, container] : containers_)
    if (container->pid() == pid) return container_reaped(*container, status);
  for (auto& [id, exec] : execs_) {
    if (exec->pid() != pid) continue;
    exec->reaped(status);
    execs_.erase(id);
    return;
  }
}

void Processes::container_reaped(Container& container, int status) {
  std::string id = container.id();
  container.reaped(status);
  auto removing = removing_.find(id);
  if (removing != removing_.end()) {
    Reply reply = std::move(removing->second);
    removing_.erase(removing);
    remove_exit_record(context_.pod.directory(), id);
    containers_.erase(id);
    reply(Answer{});
  } else if (container.failed_to_create()) {
    containers_.erase(id);
  }
}

void Processes::shut_down(std::function<void()> done) {
  shut_down_ = std::move(done);
  for (auto& [id, exec] : execs_) (void)exec->signal(SIGKILL);
  for (auto& [id, container] : containers_) container->kill();
  if (context_.pod.init_pid() != 0) kill(context_.pod.init_pid(), SIGKILL);
  check_shut_down();
}

void Processes::check_shut_down() {
  if (!shut_down_ || context_.pod.init_pid() != 0 || !execs_.empty()) return;
  for (const auto& [id, container] : containers_)
    if (container->pid() != 0) return;
  std::exchange(shut_down_, [] {})();
}

}  // namespace lichen::monitor
