// Keeping containers from writing to the monitor's executable.
#pragma once

#include "core/result.h"

namespace lichen::monitor {

// A process that joins a container runs this executable for a moment; /proc/PID/exe shows it to the
// container, whose root is the user who owns the file (CVE-2019-5736). So the program runs from a read-only
// mount of its own that is attached nowhere: executes itself again from there, unless it already does. Comes
// back in the protected process, or with the reason why not.
Status protect_own_executable(char** argv);

}  // namespace lichen::monitor
