// The home directory of a container's user.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace lichen {

// The sixth field of the uid's line in the text of an /etc/passwd (passwd(5)); "/" without one.
std::string home_directory(std::string_view passwd, uid_t uid);

}  // namespace lichen
