#include "core/result.h"

#include <cerrno>
#include <cstring>

namespace lichen {

Error::Error() = default;
Error::Error(std::string operation, std::string object, std::string cause, std::string code, int number)
    : operation(std::move(operation)),
      object(std::move(object)),
      cause(std::move(cause)),
      code(std::move(code)),
      number(number) {}
Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

std::string Error::text() const {
  std::string out = operation;
  if (!object.empty()) out += (out.empty() ? "" : " ") + object;
  if (!cause.empty()) out += ": " + cause;
  if (!code.empty()) out += " (" + code + ")";
  return out;
}

Error Error::within(const std::string& context) && {
  operation = context + ": " + operation;
  return std::move(*this);
}

Error Error::about(std::string other_operation, std::string other_object) && {
  operation = std::move(other_operation);
  object = std::move(other_object);
  return std::move(*this);
}

std::string errno_name(int number) {
  const char* name = strerrorname_np(number);
  return name != nullptr ? name : "E" + std::to_string(number);
}

Error sys_error(std::string operation, std::string object, int number) {
  if (number == 0) number = errno;
  return {std::move(operation), std::move(object),
          strerrordesc_np(number) ? strerrordesc_np(number) : "unknown error", errno_name(number), number};
}

Error plain_error(std::string code, std::string operation, std::string object, std::string cause) {
  return {std::move(operation), std::move(object), std::move(cause), std::move(code), 0};
}

}  // namespace lichen
