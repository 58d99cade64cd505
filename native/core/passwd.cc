#include "core/passwd.h"

#include "core/text.h"

namespace lichen {

std::string home_directory(std::string_view passwd, uid_t uid) {
  for (std::string_view line : split(passwd, '\n')) {
    auto fields = split(line, ':');
    if (fields.size() >= 6 && parse_number<uid_t>(fields[2]) == uid && fields[5].starts_with('/'))
      return std::string(fields[5]);
  }
  return "/";
}

}  // namespace lichen
