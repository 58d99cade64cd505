// Waiting for a descriptor on Node's event loop.
#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>
#include <memory>

#include "core/fd.h"

namespace lichen::addon {

// A uv_poll_t that may be given up at any moment, also from within its own callback, and that closes itself
// when the environment (the process, or a worker thread) ends. The descriptor is the caller's, and stays open
// as long as this lives.
class LoopPoll {
 public:
  // Called on the loop's thread with a handle scope open; `events` of UV_READABLE, UV_WRITABLE, or all of
  // them after an error.
  using OnEvent = std::function<void(int events)>;

  static Result<LoopPoll> start(Napi::Env env, const Fd& fd, int events, OnEvent on_event);

  LoopPoll() = default;
  LoopPoll(LoopPoll&&) = default;
  LoopPoll& operator=(LoopPoll&& other) noexcept {
    stop();
    state_ = std::move(other.state_);
    return *this;
  }
  ~LoopPoll() { stop(); }

  explicit operator bool() const { return state_ != nullptr; }
  // Changes what is waited for.
  void watch(int events);
  // Whether waiting keeps the process alive.
  void set_ref(bool ref);
  // No callback comes after this.
  void stop();

 private:
  struct State;
  explicit LoopPoll(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

// Whether JavaScript can run: not any more while a worker is being terminated or the environment torn down,
// when the loop still turns and every call would fail.
bool can_run_javascript(Napi::Env env);

// Calls a JavaScript function from the loop: promise jobs run afterwards, and what it throws becomes an
// uncaught exception.
void call_from_loop(Napi::Env env, const Napi::FunctionReference& function, const Napi::AsyncContext& context,
                    const std::initializer_list<napi_value>& arguments);

}  // namespace lichen::addon
