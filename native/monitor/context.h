// What containers and execs share.
#pragma once

#include <functional>
#include <string>

#include "monitor/pod.h"
#include "monitor/scratch.h"
#include "service/event_loop.h"

namespace lichen::monitor {

struct Context {
  EventLoop& loop;
  Pod& pod;
  const Scratch& scratch;
  // Sends an event to every connection.
  std::function<void(const std::string& json)> broadcast;
};

}  // namespace lichen::monitor
