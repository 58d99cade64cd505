// Between the core's plain data and JavaScript values.
#pragma once

#include <napi.h>

#include <string>
#include <vector>

#include "core/result.h"

namespace lichen::addon {

// An Error of the core as a JavaScript Error with its parts as members: code (errno name or a word of ours),
// operation, object, reason. src/native/addon.ts makes a LichenError of it.
Napi::Error to_error(Napi::Env env, const Error& error);

// Makes it the pending exception; returns undefined, for `return throw_error(…)`.
Napi::Value throw_error(Napi::Env env, const Error& error);

// Reads the arguments of one call. The first that is not of its type becomes a TypeError naming function and
// argument
// ("spawn: cwd must be a string"); after that, everything reads as empty. Check ok() before acting on what
// was read.
class Arguments {
 public:
  Arguments(const Napi::CallbackInfo& info, const char* function) : info_(info), function_(function) {}

  Napi::Env env() const { return info_.Env(); }
  bool ok() const { return ok_; }
  // undefined beyond the last one.
  Napi::Value operator[](size_t index) const { return info_[index]; }
  // Member `name` of an object argument; refuses anything that is no object.
  Napi::Value member(const Napi::Value& object, const char* name);

  // Strings hold no NUL: the kernel would read only what is before it.
  std::string string(const Napi::Value& value, const char* name);
  // "" for undefined.
  std::string optional_string(const Napi::Value& value, const char* name);
  std::vector<std::string> strings(const Napi::Value& value, const char* name);
  // A whole number from `low` to `high`.
  int64_t number(const Napi::Value& value, const char* name, int64_t low, int64_t high);
  // false for undefined.
  bool optional_boolean(const Napi::Value& value, const char* name);
  Napi::Function function(const Napi::Value& value, const char* name);
  Napi::Array array(const Napi::Value& value, const char* name);

  // Refuses `name`, which must be `wanted` ("an Fd").
  void refuse(const char* name, const char* wanted);

 private:
  const Napi::CallbackInfo& info_;
  const char* function_;
  bool ok_ = true;
};

}  // namespace lichen::addon
