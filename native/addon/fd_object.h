// The JavaScript class Fd: a descriptor with an owner.
#pragma once

#include <napi.h>

#include "addon/convert.h"
#include "core/fd.h"

namespace lichen::addon {

// Closed by close(), by `using`, or silently when the object is collected.
class FdObject : public Napi::ObjectWrap<FdObject> {
 public:
  // Defines the class on `exports` and keeps its constructor for wrap().
  static void define(Napi::Env env, Napi::Object exports);
  // A JavaScript object that owns `fd`.
  static Napi::Value wrap(Napi::Env env, Fd fd);
  // The open Fd in an argument; an empty one, with a TypeError pending, for anything else. Valid until
  // JavaScript runs again.
  static const Fd& from(Arguments& arguments, const Napi::Value& value, const char* name);
  // The same, but the descriptor moves out and the object is closed.
  static Fd take(Arguments& arguments, const Napi::Value& value, const char* name);

  explicit FdObject(const Napi::CallbackInfo& info);

 private:
  static FdObject* unwrap(Arguments& arguments, const Napi::Value& value, const char* name);
  Napi::Value number(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);
  Napi::Value duplicate(const Napi::CallbackInfo& info);
  Napi::Value release(const Napi::CallbackInfo& info);
  Napi::Value set_pipe_size(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  Fd fd_;
};

// Adds Fd, and what makes descriptors: pipe, socketPair, memfd, open, connect.
void add_fd(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
