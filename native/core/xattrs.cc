#include "core/xattrs.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>

#include "core/beneath.h"

namespace lichen {

namespace {

// What a call that is asked for the length first gives, tried again when it has grown meanwhile.
template <typename Call>
Result<std::string> whole(const char* operation, const std::string& object, Call call) {
  for (;;) {
    ssize_t length = call(nullptr, 0);
    if (length == 0) return std::string();
    if (length < 0) return sys_error(operation, object);
    std::string value(static_cast<size_t>(length), '\0');
    length = call(value.data(), value.size());
    if (length >= 0) {
      value.resize(static_cast<size_t>(length));
      return value;
    }
    if (errno != ERANGE) return sys_error(operation, object);
  }
}

}  // namespace

Result<std::vector<ExtendedAttribute>> read_xattrs(const std::string& path) {
  std::vector<ExtendedAttribute> found;
  auto names = whole("llistxattr", quoted(path),
                     [&](char* buffer, size_t size) { return llistxattr(path.c_str(), buffer, size); });
  if (!names) {
    if (names.error().number == ENOTSUP) return found;
    return std::move(names).error();
  }
  for (size_t at = 0; at < names->size();) {
    std::string name(names->c_str() + at);
    at += name.size() + 1;
    auto value = whole("lgetxattr", quoted(path) + " " + name, [&](char* buffer, size_t size) {
      return lgetxattr(path.c_str(), name.c_str(), buffer, size);
    });
    // Listed, but for others: "trusted.", or what a security module keeps to itself.
    if (!value && (value.error().number == ENODATA || value.error().number == EPERM)) continue;
    if (!value) return std::move(value).error();
    found.push_back({std::move(name), std::move(value).value()});
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return found;
}

}  // namespace lichen
