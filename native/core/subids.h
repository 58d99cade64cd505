// Reading who owns which subordinate ids: /etc/subuid, /etc/subgid (subuid(5)) and getsubids(1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/id_map.h"

namespace lichen {

// The ranges of a user in the text of /etc/subuid or /etc/subgid, in file order. A line belongs to the user
// by name or by number; both files name *users*, also /etc/subgid. Malformed lines are left out.
std::vector<IdRange> parse_subid_file(std::string_view text, std::string_view name, uint32_t uid);

// The first id from 100000 on, useradd(8)'s own beginning, beyond every range in the text of /etc/subuid or
// /etc/subgid, whoever has it.
uint64_t first_free_subid(std::string_view text);

// The ranges in the output of `getsubids [-g] USER`: lines `0: USER START COUNT`.
std::vector<IdRange> parse_getsubids(std::string_view output);

// The login name of `uid` in the text of /etc/passwd, "" if it has none there. Static executables cannot use
// getpwuid(3): NSS loads plug-ins.
std::string parse_passwd_name(std::string_view text, uint32_t uid);

}  // namespace lichen
