#include "addon/convert.h"

#include <cmath>

namespace lichen::addon {

Napi::Error to_error(Napi::Env env, const Error& error) {
  Napi::Error made = Napi::Error::New(env, error.text());
  made.Set("code", Napi::String::New(env, error.code));
  made.Set("operation", Napi::String::New(env, error.operation));
  made.Set("object", Napi::String::New(env, error.object));
  made.Set("reason", Napi::String::New(env, error.cause));
  return made;
}

Napi::Value throw_error(Napi::Env env, const Error& error) {
  to_error(env, error).ThrowAsJavaScriptException();
  return env.Undefined();
}

void Arguments::refuse(const char* name, const char* wanted) {
  if (!std::exchange(ok_, false)) return;
  Napi::TypeError::New(env(), std::string(function_) + ": " + name + " must be " + wanted)
      .ThrowAsJavaScriptException();
}

Napi::Value Arguments::member(const Napi::Value& object, const char* name) {
  if (!ok_) return env().Undefined();
  if (!object.IsObject()) {
    refuse("the argument", "an object");
    return env().Undefined();
  }
  Napi::Value value = object.As<Napi::Object>().Get(name);
  if (env().IsExceptionPending()) ok_ = false;  // a getter threw
  return ok_ ? value : env().Undefined();
}

std::string Arguments::string(const Napi::Value& value, const char* name) {
  if (!ok_) return {};
  if (value.IsString()) {
    std::string text = value.As<Napi::String>().Utf8Value();
    if (text.find('\0') == std::string::npos) return text;
  }
  refuse(name, value.IsString() ? "a string without NUL" : "a string");
  return {};
}

std::string Arguments::optional_string(const Napi::Value& value, const char* name) {
  return value.IsUndefined() ? "" : string(value, name);
}

Napi::Array Arguments::array(const Napi::Value& value, const char* name) {
  if (ok_ && value.IsArray()) return value.As<Napi::Array>();
  refuse(name, "an array");
  return Napi::Array::New(env());
}

std::vector<std::string> Arguments::strings(const Napi::Value& value, const char* name) {
  std::vector<std::string> texts;
  Napi::Array list = array(value, name);
  for (uint32_t i = 0; ok_ && i < list.Length(); i++) texts.push_back(string(list.Get(i), name));
  return texts;
}

int64_t Arguments::number(const Napi::Value& value, const char* name, int64_t low, int64_t high) {
  if (!ok_) return low;
  if (value.IsNumber()) {
    double number = value.As<Napi::Number>().DoubleValue();
    if (number == std::floor(number) && number >= static_cast<double>(low) &&
        number <= static_cast<double>(high))
      return static_cast<int64_t>(number);
  }
  refuse(name, ("a whole number from " + std::to_string(low) + " to " + std::to_string(high)).c_str());
  return low;
}

bool Arguments::optional_boolean(const Napi::Value& value, const char* name) {
  if (!ok_ || value.IsUndefined()) return false;
  if (value.IsBoolean()) return value.As<Napi::Boolean>().Value();
  refuse(name, "a boolean");
  return false;
}

Napi::Function Arguments::function(const Napi::Value& value, const char* name) {
  if (ok_ && value.IsFunction()) return value.As<Napi::Function>();
  refuse(name, "a function");
  return {};
}

}  // namespace lichen::addon
