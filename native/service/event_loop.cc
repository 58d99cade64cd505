#include "service/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>

namespace lichen {

namespace {

constexpr std::chrono::milliseconds kIdleAfter(1000);

// A descriptor number may be closed and used again while events for it wait in the same batch: the generation
// tells.
uint64_t key_of(int number, uint32_t generation) {
  return static_cast<uint64_t>(generation) << 32 | static_cast<uint32_t>(number);
}

}  // namespace

Result<EventLoop> EventLoop::create() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return sys_error("epoll_create1");
  return EventLoop(std::move(epoll));
}

Status EventLoop::watch(const Fd& fd, uint32_t events, Handler handler) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_of(fd.get(), ++generation_);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) return sys_error("epoll_ctl", "(add)");
  watched_[fd.get()] = {generation_, std::make_shared<Handler>(std::move(handler))};
  return {};
}

Status EventLoop::change(const Fd& fd, uint32_t events) {
  auto found = watched_.find(fd.get());
  epoll_event event{};
  event.events = events;
  event.data.u64 = key_of(fd.get(), found == watched_.end() ? 0 : found->second.generation);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd.get(), &event) != 0)
    return sys_error("epoll_ctl", "(change)");
  return {};
}

void EventLoop::forget(const Fd& fd) {
  if (!fd || watched_.erase(fd.get()) == 0) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr);
}

EventLoop::TimerId EventLoop::after(std::chrono::milliseconds delay, std::function<void()> action) {
  timers_.emplace(Clock::now() + delay, Timer{next_timer_, std::move(action)});
  return next_timer_++;
}

void EventLoop::cancel(TimerId id) {
  std::erase_if(timers_, [id](const auto& entry) { return entry.second.id == id; });
}

int EventLoop::timeout_ms(bool idle_pending) const {
  auto least = std::chrono::milliseconds::max();
  if (!timers_.empty())
    least = std::max(std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()),
                     std::chrono::milliseconds(0));
  if (idle_pending) least = std::min(least, kIdleAfter);
  return least == std::chrono::milliseconds::max()
             ? -1
             : static_cast<int>(std::min<int64_t>(least.count(), INT32_MAX));
}

void EventLoop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
    auto action = std::move(timers_.begin()->second.action);
    timers_.erase(timers_.begin());
    action();
  }
}

void EventLoop::dispatch(uint64_t key, uint32_t events) {
  auto found = watched_.find(static_cast<int>(static_cast<uint32_t>(key)));
  if (found == watched_.end() || found->second.generation != key >> 32) return;
  auto handler = found->second.handler;  // the handler may forget itself
  (*handler)(events);
}

Status EventLoop::run() {
  running_ = true;
  bool idle_pending = false;
  while (running_) {
    epoll_event events[16];
    int count = epoll_wait(epoll_.get(), events, 16, timeout_ms(idle_pending));
    if (count < 0 && errno != EINTR) return sys_error("epoll_wait");
    if (count == 0 && idle_pending && idle_) {
      idle_();
      idle_pending = false;
    }
    if (count > 0) idle_pending = true;
    for (int i = 0; i < count; i++) dispatch(events[i].data.u64, events[i].events);
    run_timers();
  }
  return {};
}

}  // namespace lichen
