#include "ports/service.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>

#include "core/idle_memory.h"
#include "ports/published.h"
#include "service/pid_file.h"
#include "service/server.h"

namespace lichen::ports {

namespace {

constexpr const char* kSocket = "ports.sock";
constexpr const char* kPidFile = "ports.pid";
constexpr int kVersion = 1;

class Service {
 public:
  Service(EventLoop& loop, Fd directory)
      : loop_(loop),
        directory_(std::move(directory)),
        published_(loop, [this] { end_if_useless(); }),
        server_(
            loop, [this](const auto& connection, Packet packet) { answer(connection, std::move(packet)); },
            [this](const auto&) {
              connections_--;
              end_if_useless();
            }) {}

  Status run(Fd first_connection) {
    LICHEN_TRY(write_pid_file(directory_, kPidFile));
    server_.on_open([this] { connections_++; });
    LICHEN_TRY(server_.listen(directory_, kSocket));
    LICHEN_TRY(server_.add(std::move(first_connection)));
    loop_.on_idle([this] {
      published_.give_memory_back();
      lichen::give_memory_back();
    });
    LICHEN_TRY(loop_.run());
    // Another one may have taken our place in the directory.
    if (is_own_pid_file(directory_, kPidFile)) {
      server_.remove_socket(directory_, kSocket);
      unlinkat(directory_.get(), kPidFile, 0);
    }
    return {};
  }

 private:
  void end_if_useless() {
    if (connections_ == 0 && published_.count() == 0) loop_.stop();
  }

  void answer(const std::shared_ptr<Connection>& connection, Packet packet) {
    auto document = JsonDocument::parse(packet.bytes, "request");
    if (!document) return refuse(connection, 0, document.error());
    JsonReader request = document->root();
    int64_t id = request.number("id", 0, 0);
    std::string op = request.text("op");
    if (op == "hello") {
      return reply(connection, id,
                   JsonObject()
                       .number("version", kVersion)
                       .number("pid", getpid())
                       .raw("published", published_.list())
                       .str());
    }
    if (op == "publish") {
      Status done = published_.publish(document.value(), std::move(packet.fds));
      return done ? reply(connection, id, "{}") : refuse(connection, id, done.error());
    }
    if (op == "unpublish") {
      published_.unpublish(request.required_text("pod"));
      auto left = static_cast<int64_t>(published_.count());
      return reply(connection, id, JsonObject().number("left", left).str());
    }
    refuse(connection, id,
           plain_error("UNKNOWN_OP", "answer the daemon", "\"" + op + "\"",
                       "this program knows hello, publish and unpublish"));
  }

  static void reply(const std::shared_ptr<Connection>& connection, int64_t id, const std::string& ok) {
    connection->send(JsonObject().number("id", id).raw("ok", ok).str());
  }

  static void refuse(const std::shared_ptr<Connection>& connection, int64_t id, const Error& error) {
    connection->send(JsonObject().number("id", id).raw("error", error_to_json(error)).str());
  }

  EventLoop& loop_;
  Fd directory_;
  Published published_;
  Server server_;
  size_t connections_ = 0;
};

}  // namespace

Status serve_ports(Fd first_connection, Fd directory) {
  setsid();
  prctl(PR_SET_NAME, "lichen-ports", 0, 0, 0);
  for (int number : {SIGHUP, SIGINT, SIGPIPE, SIGTERM}) ::signal(number, SIG_IGN);
  LICHEN_ASSIGN(EventLoop loop, EventLoop::create());
  Service service(loop, std::move(directory));
  return service.run(std::move(first_connection));
}

}  // namespace lichen::ports
