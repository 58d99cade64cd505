// The monitor's one thread: waits for descriptors and timers and calls their handlers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "core/fd.h"

namespace lichen {

class EventLoop {
 public:
  using Handler = std::function<void(uint32_t events)>;
  using TimerId = uint64_t;

  // epoll_create1(2).
  static Result<EventLoop> create();

  // Calls `handler` whenever one of `events` (EPOLLIN …) holds for the descriptor, which stays the caller's.
  // Handlers may watch and forget any descriptor, their own too.
  Status watch(const Fd& fd, uint32_t events, Handler handler);
  Status change(const Fd& fd, uint32_t events);
  // Before the descriptor is closed. One that is not watched is fine.
  void forget(const Fd& fd);

  TimerId after(std::chrono::milliseconds delay, std::function<void()> action);
  void cancel(TimerId timer);

  // Called once when nothing has happened for a second after something had: the time to give memory back.
  void on_idle(std::function<void()> action) { idle_ = std::move(action); }

  // Runs until stop().
  Status run();
  void stop() { running_ = false; }

 private:
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  struct Watched {
    uint32_t generation;
    std::shared_ptr<Handler> handler;
  };
  using Clock = std::chrono::steady_clock;
  struct Timer {
    TimerId id;
    std::function<void()> action;
  };
  int timeout_ms(bool idle_pending) const;
  void run_timers();
  void dispatch(uint64_t key, uint32_t events);

  Fd epoll_;
  std::map<int, Watched> watched_;
  std::multimap<Clock::time_point, Timer> timers_;
  std::function<void()> idle_;
  uint32_t generation_ = 0;
  TimerId next_timer_ = 1;
  bool running_ = false;
};

}  // namespace lichen
