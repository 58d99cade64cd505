// What an archive says about one entry of a layer beside its content.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>
#include <vector>

namespace lichen {

constexpr mode_t kPermissions = 07777;  // of a mode, all that chmod(2) takes
constexpr mode_t kSpecial = 07000;      // setuid, setgid and sticky

struct ExtendedAttribute {
  std::string name;
  std::string value;
};

struct Attributes {
  mode_t mode = 0;  // permission bits, with setuid, setgid and sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec modified{};
  std::vector<ExtendedAttribute> xattrs;
};

}  // namespace lichen
