// What is published, by pod.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/json.h"
#include "core/scm.h"
#include "ports/relay.h"

namespace lichen::ports {

class Published {
 public:
  // `changed` is called after ports have ended by themselves, with their pod's monitor.
  Published(EventLoop& loop, std::function<void()> changed);

  // A publish request with its socket. Nothing is changed when it fails.
  Status publish(const JsonDocument& request, std::vector<Fd> fds);
  void unpublish(const std::string& pod);
  // How many ports there are.
  size_t count() const;
  // [{"pod","name","clients"}]
  std::string list() const;
  void give_memory_back() { pool_.drain(); }

 private:
  struct Port {
    std::string name;
    std::unique_ptr<Relay> relay;
  };
  struct Pod {
    Fd monitor;  // pidfd
    std::vector<Port> ports;
  };
  Status watch_monitor(const std::string& pod, pid_t pid);

  EventLoop& loop_;
  std::function<void()> changed_;
  PipePool pool_;
  Quota quota_;
  std::map<std::string, Pod> pods_;
};

}  // namespace lichen::ports
