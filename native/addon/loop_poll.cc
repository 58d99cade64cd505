#include "addon/loop_poll.h"

namespace lichen::addon {

// Lives until libuv has closed the handle, which is later than LoopPoll's end.
struct LoopPoll::State {
  explicit State(Napi::Env environment) : env(environment) {}

  void close() {
    if (closing) return;
    closing = true;
    on_event = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(&handle), [](uv_handle_t* closed) {
      auto* owner = static_cast<std::shared_ptr<State>*>(closed->data);
      napi_async_cleanup_hook_handle hook = (*owner)->cleanup;
      delete owner;
      napi_remove_async_cleanup_hook(hook);
    });
  }

  Napi::Env env;
  uv_poll_t handle{};
  OnEvent on_event;
  napi_async_cleanup_hook_handle cleanup = nullptr;
  bool closing = false;
};

namespace {

Error uv_error(const char* operation, int code) { return sys_error(operation, "", -code); }

}  // namespace

Result<LoopPoll> LoopPoll::start(Napi::Env env, const Fd& fd, int events, OnEvent on_event) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto state = std::make_shared<State>(env);
  if (int code = uv_poll_init(loop, &state->handle, fd.get()); code != 0)
    return uv_error("uv_poll_init", code);
  state->handle.data = new std::shared_ptr<State>(state);
  state->on_event = std::move(on_event);
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* data) { static_cast<State*>(data)->close(); },
      state.get(), &state->cleanup);
  LoopPoll poll(std::move(state));
  poll.watch(events);
  return poll;
}

void LoopPoll::watch(int events) {
  if (!state_ || state_->closing) return;
  uv_poll_start(&state_->handle, events, [](uv_poll_t* handle, int status, int seen) {
    // Held here: the callback may stop the poll.
    std::shared_ptr<State> state = *static_cast<std::shared_ptr<State>*>(handle->data);
    Napi::HandleScope scope(state->env);
    if (!can_run_javascript(state->env)) {
      state->close();
      return;
    }
    OnEvent on_event = state->on_event;
    if (on_event) on_event(status < 0 ? UV_READABLE | UV_WRITABLE : seen);
  });
}

void LoopPoll::set_ref(bool ref) {
  if (!state_ || state_->closing) return;
  auto* handle = reinterpret_cast<uv_handle_t*>(&state_->handle);
  if (ref)
    uv_ref(handle);
  else
    uv_unref(handle);
}

void LoopPoll::stop() {
  if (state_) state_->close();
  state_.reset();
}

bool can_run_javascript(Napi::Env env) {
  // Any call that may run JavaScript tells; this one has nothing to run.
  bool has = false;
  return napi_has_property(env, env.Global(), Napi::String::New(env, "Object"), &has) == napi_ok;
}

void call_from_loop(Napi::Env env, const Napi::FunctionReference& function, const Napi::AsyncContext& context,
                    const std::initializer_list<napi_value>& arguments) {
  function.MakeCallback(env.Global(), arguments, context);
  if (env.IsExceptionPending()) napi_fatal_exception(env, env.GetAndClearPendingException().Value());
}

}  // namespace lichen::addon
