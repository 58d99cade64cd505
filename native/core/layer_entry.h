// What an archive says about one entry of a layer beside its content.
#pragma once

#include <sys/types.h>

#include <ctime>
#include <string>
#include <vector>

namespace lichen {

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
