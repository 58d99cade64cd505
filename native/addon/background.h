// Work that may wait goes to libuv's thread pool; JavaScript gets a promise.
#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <utility>

#include "addon/convert.h"
#include "core/result.h"

namespace lichen::addon {

// Runs `work` (plain data only: no JavaScript there) on a thread of the pool, then settles the promise with
// what `convert` makes of its value, or with its Error.
template <class T>
class BackgroundWork : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>()>;
  using Convert = std::function<Napi::Value(Napi::Env, T)>;

  BackgroundWork(Napi::Env env, Work work, Convert convert)
      : Napi::AsyncWorker(env), work_(std::move(work)), convert_(std::move(convert)), deferred_(env) {}

  Napi::Value promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { result_.emplace(work_()); }
  void OnOK() override {
    if (result_->ok())
      deferred_.Resolve(convert_(Env(), std::move(*result_).value()));
    else
      deferred_.Reject(to_error(Env(), result_->error()).Value());
  }

 private:
  Work work_;
  Convert convert_;
  Napi::Promise::Deferred deferred_;
  std::optional<Result<T>> result_;
};

template <class T>
Napi::Value in_background(Napi::Env env, typename BackgroundWork<T>::Work work,
                          typename BackgroundWork<T>::Convert convert) {
  auto* worker = new BackgroundWork<T>(env, std::move(work), std::move(convert));  // deletes itself
  Napi::Value promise = worker->promise();
  worker->Queue();
  return promise;
}

// For work whose value is only that it succeeded.
inline Napi::Value in_background(Napi::Env env, std::function<Status()> work) {
  auto run = [work = std::move(work)]() -> Result<bool> {
    LICHEN_TRY(work());
    return true;
  };
  return in_background<bool>(env, run, [](Napi::Env e, bool) { return e.Undefined(); });
}

}  // namespace lichen::addon
