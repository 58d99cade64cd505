#include "monitor/requests.h"

#include <unistd.h>

#include "monitor/port_connection.h"

namespace lichen::monitor {

namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kGraceMs = 5000;

Error refused(const char* code, const char* operation, const std::string& object, const char* cause) {
  return plain_error(code, operation, object, cause);
}

void answer_status(const Reply& reply, const Status& done) {
  if (done) return reply(Answer{});
  reply(done.error());
}

TerminalSize read_size(const JsonReader& reader) {
  return {static_cast<unsigned short>(reader.number("cols", 80, 0, UINT16_MAX)),
          static_cast<unsigned short>(reader.number("rows", 24, 0, UINT16_MAX))};
}

PidMode read_pid_mode(const JsonReader& reader) {
  std::string mode = reader.text("pid", "container");
  if (mode == "pod") return PidMode::pod;
  if (mode == "node") return PidMode::node;
  if (mode == "target") return PidMode::target;
  if (mode != "container") reader.refuse("pid", "must be one of: container, pod, node, target");
  return PidMode::container;
}

// "/lichen/x" is a directory below the cgroup2 mount, or below another place that shows cgroups; ".." would
// leave it.
std::string read_cgroup(const JsonReader& reader) {
  std::string path = reader.text("cgroup");
  if (path.empty()) return "";
  if (("/" + path + "/").find("/../") != std::string::npos) reader.refuse("cgroup", "must not contain ..");
  std::string root = reader.text("cgroupRoot", "/sys/fs/cgroup");
  if (!root.starts_with('/')) reader.refuse("cgroupRoot", "must be an absolute path");
  return path.starts_with('/') ? root + path : root + "/" + path;
}

// Gives the descriptors their places, in the order of the names. False: unknown name, or not as many as
// named.
bool read_streams(const JsonReader& reader, std::vector<Fd>& fds, size_t first, StandardStreams& streams) {
  size_t next = first;
  for (const std::string& name : reader.texts("streams")) {
    if (next >= fds.size()) return false;
    Fd* place = name == "stdin"    ? &streams.in
                : name == "stdout" ? &streams.out
                : name == "stderr" ? &streams.error
                                   : nullptr;
    if (place == nullptr || *place) return false;
    *place = std::move(fds[next++]);
  }
  return next == fds.size();
}

}  // namespace

struct Requests::Request {
  JsonDocument document;
  JsonReader root;
  std::vector<Fd> fds;
  const Connection* connection;

  // What the operation is about, and whether everything read so far was well-formed.
  std::string container() const { return root.required_text("container"); }
};

Requests::Operation Requests::find(const std::string& name) {
  struct Entry {
    const char* name;
    Operation operation;
  };
  constexpr Entry kOperations[] = {{"hello", &Requests::hello},     {"setup", &Requests::setup},
                                   {"create", &Requests::create},   {"start", &Requests::start},
                                   {"signal", &Requests::signal},   {"delete", &Requests::remove},
                                   {"exec", &Requests::exec},       {"exec-kill", &Requests::exec_kill},
                                   {"resize", &Requests::resize},   {"reopen-log", &Requests::reopen_log},
                                   {"attach", &Requests::attach},   {"exec-abandon", &Requests::exec_abandon},
                                   {"connect", &Requests::connect}, {"shutdown", &Requests::shut_down}};
  for (const Entry& entry : kOperations)
    if (name == entry.name) return entry.operation;
  return nullptr;
}

void Requests::handle(const std::shared_ptr<Connection>& connection, Packet packet) {
  auto document = JsonDocument::parse(packet.bytes, "request");
  int64_t id = 0;
  // The connection may be gone before a late answer.
  auto send = [weak = std::weak_ptr(connection)](int64_t number, Result<Answer> result) {
    auto open = weak.lock();
    if (!open) return;
    JsonObject message;
    message.number("id", number);
    if (!result) return open->send(message.raw("error", error_to_json(result.error())).str());
    Answer answer = std::move(result).value();
    open->send(message.raw("ok", answer.json).str(), std::move(answer.fds));
  };
  if (!document) return send(id, document.error());
  JsonReader root = document->root();
  id = root.number("id", 0);
  std::string name = root.required_text("op");
  if (auto read = document->status(); !read) return send(id, read.error());
  Operation operation = find(name);
  if (operation == nullptr)
    return send(id, refused("UNKNOWN_OP", "request", "\"" + name + "\"", "unknown operation"));
  Request request{std::move(document).value(), root, std::move(packet.fds), connection.get()};
  LICHEN_MAY_FAIL_FROM_HERE(name.c_str());
  (this->*operation)(request, [send, id](Result<Answer> result) { send(id, std::move(result)); });
}

void Requests::hello(Request& request, Reply reply) {
  if (request.root.number("version", 0) != kVersion)
    return reply(refused("VERSION", "hello", std::to_string(request.root.number("version", 0)),
                         "this monitor speaks version 1"));
  reply(Answer{JsonObject()
                   .number("version", kVersion)
                   .number("pid", getpid())
                   .text("pod", context_.pod.id())
                   .flag("ready", context_.pod.ready())
                   .number("initPid", context_.pod.init_pid())
                   .raw("containers", processes_.states())
                   .str(),
               {}});
}

void Requests::setup(Request& request, Reply reply) {
  auto setup = read_pod_setup(request.root.object("pod"));
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (!setup) return reply(setup.error());
  if (auto done = context_.pod.set_up(*setup.operator->()); !done) return reply(done.error());
  auto inode = context_.pod.network_inode();
  if (!inode) return reply(inode.error());
  reply(Answer{JsonObject()
                   .number("netns", static_cast<int64_t>(inode.value()))
                   .number("initPid", context_.pod.init_pid())
                   .str(),
               {}});
}

void Requests::create(Request& request, Reply reply) {
  CreateRequest create;
  create.container = request.container();
  create.cgroup = read_cgroup(request.root);
  create.terminal = request.root.flag("terminal");
  create.stdin = request.root.flag("stdin");
  create.stdin_once = request.root.flag("stdinOnce");
  create.log = request.root.text("log");
  create.log_limits.max_size = static_cast<uint64_t>(request.root.number("logMaxSize", 0, 0, INT64_MAX));
  create.log_limits.max_files = static_cast<uint64_t>(request.root.number("logMaxFiles", 1, 1, 1000));
  create.pid = read_pid_mode(request.root);
  pid_t target = static_cast<pid_t>(request.root.number("targetPid", 0, 0, INT32_MAX));
  if (auto value = request.root.optional_number("oomScoreAdj", -1000, 1000))
    create.oom_score_adj = static_cast<int>(*value);
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (request.fds.size() < 2 || request.fds.size() > 3)
    return reply(refused("INVALID_FDS", "create container", create.container,
                         "wants spec, root file system and perhaps a seccomp filter"));
  ContainerFiles files{std::move(request.fds[0]), std::move(request.fds[1]), Fd()};
  if (request.fds.size() == 3) files.filter = std::move(request.fds[2]);
  processes_.create(std::move(create), target, std::move(files), std::move(reply));
}

void Requests::start(Request& request, Reply reply) {
  std::string id = request.container();
  Container* container = processes_.container(id);
  if (container == nullptr) return reply(refused("NOT_FOUND", "start container", id, "no such container"));
  container->start(std::move(reply));
}

void Requests::signal(Request& request, Reply reply) {
  std::string id = request.container();
  int number = static_cast<int>(request.root.number("signal", 15, 0, 64));
  bool all = request.root.flag("all");
  if (auto read = request.document.status(); !read) return reply(read.error());
  Container* container = processes_.container(id);
  if (container == nullptr) return reply(refused("NOT_FOUND", "signal container", id, "no such container"));
  answer_status(reply, container->signal(number, all));
}

void Requests::remove(Request& request, Reply reply) {
  processes_.remove(request.container(), std::move(reply));
}

void Requests::exec(Request& request, Reply reply) {
  ExecRequest exec;
  std::string container = request.container();
  exec.exec = request.root.required_text("exec");
  exec.owner = request.connection;
  exec.terminal = request.root.flag("terminal");
  exec.grace_ms = request.root.number("graceMs", kGraceMs, 0, INT32_MAX);
  exec.timeout_ms = request.root.number("timeoutMs", 0, 0, INT32_MAX);
  exec.size = read_size(request.root);
  StandardStreams streams;
  bool complete = !request.fds.empty() && read_streams(request.root, request.fds, 1, streams);
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (!complete)
    return reply(
        refused("INVALID_FDS", "exec in container", exec.exec, "wants the process and the streams it names"));
  processes_.exec(container, std::move(exec), std::move(request.fds[0]), std::move(streams),
                  std::move(reply));
}

void Requests::exec_kill(Request& request, Reply reply) {
  std::string id = request.root.required_text("exec");
  int number = static_cast<int>(request.root.number("signal", 9, 0, 64));
  if (auto read = request.document.status(); !read) return reply(read.error());
  Exec* exec = processes_.exec(id);
  if (exec == nullptr) return reply(refused("NOT_FOUND", "signal exec", id, "no such exec"));
  answer_status(reply, exec->signal(number));
}

void Requests::exec_abandon(Request& request, Reply reply) {
  std::string id = request.root.required_text("exec");
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (Exec* exec = processes_.exec(id)) exec->abandon();
  reply(Answer{});
}

void Requests::attach(Request& request, Reply reply) {
  std::string id = request.container();
  AttachRequest attach;
  for (const std::string& name : request.root.texts("streams")) {
    if (name != "stdin" && name != "stdout" && name != "stderr")
      request.root.refuse("streams", "must be of: stdin, stdout, stderr");
    attach.stdin |= name == "stdin";
    attach.stdout |= name == "stdout";
    attach.stderr |= name == "stderr";
  }
  if (auto read = request.document.status(); !read) return reply(read.error());
  Container* container = processes_.container(id);
  if (container == nullptr)
    return reply(refused("NOT_FOUND", "attach to container", id, "no such container"));
  reply(container->attach(attach, ++last_attachment_));
}

void Requests::connect(Request& request, Reply reply) {
  auto port = static_cast<uint16_t>(request.root.number("port", 0, 1, UINT16_MAX));
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (port == 0) return reply(refused("INVALID_FIELD", "connect", "port", "must be 1 to 65535"));
  connect_port(context_.loop, port, std::move(reply));
}

void Requests::resize(Request& request, Reply reply) {
  TerminalSize size = read_size(request.root);
  std::string exec = request.root.text("exec"), id = request.root.text("container");
  if (auto read = request.document.status(); !read) return reply(read.error());
  if (Exec* found = processes_.exec(exec)) return answer_status(reply, found->resize(size));
  Container* container = exec.empty() ? processes_.container(id) : nullptr;
  if (container == nullptr)
    return reply(refused("NOT_FOUND", "resize", exec.empty() ? id : exec, "no such process"));
  answer_status(reply, container->resize(size));
}

void Requests::reopen_log(Request& request, Reply reply) {
  std::string id = request.container();
  Container* container = processes_.container(id);
  if (container == nullptr) return reply(refused("NOT_FOUND", "reopen log", id, "no such container"));
  answer_status(reply, container->reopen_log());
}

void Requests::shut_down(Request&, Reply reply) {
  processes_.shut_down([reply, stop = stop_] {
    reply(Answer{});
    stop();
  });
}

}  // namespace lichen::monitor
