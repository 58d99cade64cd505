// Result<T>: a value or an Error. The whole core reports failures this way; nothing throws.
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <variant>

#include "core/fault.h"

namespace lichen {

// One failure: what was being done, to what, and why it did not work.
// `code` is stable and meant for programs: the errno's name ("EPERM"), or a word of ours ("INVALID_SPEC").
struct Error {
  std::string operation;  // syscall or step: `mount_setattr`, `parse spec`
  std::string object;  // what it was done to, with the arguments that matter: `"/data" (rdonly, recursive)`
  std::string cause;   // text for a person: `Operation not permitted`
  std::string code;    // stable code: `EPERM`
  int number = 0;      // errno, 0 where none was involved

  // Not inline: every fallible call may copy or drop one, and all that code would be most of a small program.
  Error();
  Error(std::string operation, std::string object, std::string cause, std::string code, int number);
  Error(const Error&);
  Error(Error&&) noexcept;
  Error& operator=(const Error&);
  Error& operator=(Error&&) noexcept;
  ~Error();

  // `operation object: cause (code)`, one line.
  std::string text() const;

  // The same failure seen from one layer up: `context: operation object: …`.
  Error within(const std::string& context) &&;

  // The same cause under another name, for a caller that knows better what it was about.
  Error about(std::string operation, std::string object) &&;
};

// Makes an Error from the present errno (or the one given).
Error sys_error(std::string operation, std::string object = "", int number = 0);

// Makes an Error that no system call caused.
Error plain_error(std::string code, std::string operation, std::string object, std::string cause);

// Name of an errno: 1 -> "EPERM". Unknown numbers give "E<number>".
std::string errno_name(int number);

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Only after ok() said true.
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T* operator->() { return std::get_if<0>(&state_); }
  // Only after ok() said false.
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  bool failed_ = false;
  Error error_;
};

using Status = Result<void>;

}  // namespace lichen

// Passes a failed Status or Result on to the caller.
#define LICHEN_TRY(expression)                                                             \
  do {                                                                                     \
    LICHEN_STEP_MAY_FAIL();                                                                \
    if (auto lichen_try = (expression); !lichen_try) return std::move(lichen_try).error(); \
  } while (0)

#define LICHEN_CONCAT_(a, b) a##b
#define LICHEN_CONCAT(a, b) LICHEN_CONCAT_(a, b)
// LICHEN_ASSIGN(auto fd, open_it()): the value, or the failure passed on to the caller.
#define LICHEN_ASSIGN(declaration, expression) \
  LICHEN_ASSIGN_(declaration, expression, LICHEN_CONCAT(lichen_r_, __LINE__))
#define LICHEN_ASSIGN_(declaration, expression, name) \
  LICHEN_STEP_MAY_FAIL();                             \
  auto name = (expression);                           \
  if (!name) return std::move(name).error();          \
  declaration = std::move(name).value()
