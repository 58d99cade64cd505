// Giving a process in its own mount namespace another root file system.
#pragma once

#include <string>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// Cuts the calling process's mount namespace off from every other: nothing mounted or unmounted here shows
// there.
Status isolate_mounts();

// Attaches a detached root file system on `place`, any directory of the present root. Afterwards `root` shows
// it in this mount namespace, and mounts can be attached beneath.
Status attach_root(const Fd& root, const std::string& place);

// Makes `root` the root and working directory, and the old root unreachable (pivot_root(2), "pivot_root(".",
// ".")").
Status switch_root(const Fd& root);

}  // namespace lichen
