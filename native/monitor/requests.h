// The operations of PROTOCOL.md: reads a request, has it done, answers it.
#pragma once

#include <functional>
#include <memory>

#include "monitor/context.h"
#include "monitor/processes.h"
#include "service/connection.h"

namespace lichen::monitor {

class Requests {
 public:
  // `stop` ends the monitor, after the answer to `shutdown`.
  Requests(Context& context, Processes& processes, std::function<void()> stop)
      : context_(context), processes_(processes), stop_(std::move(stop)) {}

  // Every packet is answered: what is not a request, too.
  void handle(const std::shared_ptr<Connection>& connection, Packet packet);

 private:
  struct Request;
  using Operation = void (Requests::*)(Request& request, Reply reply);
  static Operation find(const std::string& name);

  void hello(Request& request, Reply reply);
  void setup(Request& request, Reply reply);
  void create(Request& request, Reply reply);
  void start(Request& request, Reply reply);
  void signal(Request& request, Reply reply);
  void remove(Request& request, Reply reply);
  void exec(Request& request, Reply reply);
  void exec_kill(Request& request, Reply reply);
  void exec_abandon(Request& request, Reply reply);
  void attach(Request& request, Reply reply);
  void connect(Request& request, Reply reply);
  void resize(Request& request, Reply reply);
  void reopen_log(Request& request, Reply reply);
  void shut_down(Request& request, Reply reply);

  Context& context_;
  Processes& processes_;
  std::function<void()> stop_;
  int64_t last_attachment_ = 0;
};

}  // namespace lichen::monitor
