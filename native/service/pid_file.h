// The file by which the others find this process again: its pid and when it started, in the directory it
// serves from.
#pragma once

#include "core/fd.h"

namespace lichen {

// Writes this process's identity into the file `name` of the directory (mode 0600), in place of what stood
// there.
Status write_pid_file(const Fd& directory, const char* name);

// Whether the file is (still) of this process: another one may have taken the place in the directory. A
// missing or unreadable file is nobody's.
bool is_own_pid_file(const Fd& directory, const char* name);

}  // namespace lichen
