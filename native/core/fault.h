// Failures on demand, for tests: built with LICHEN_FAULTS (the native tests' executable, which can play the
// monitor), any step that LICHEN_TRY or LICHEN_ASSIGN guards can be made to fail. Elsewhere there is nothing
// of it.
#pragma once

#ifdef LICHEN_FAULTS

namespace lichen {

struct Error;

namespace fault {

// From now on the calling process, and every copy of it, counts its steps, if the file `fault` beside the
// program (as argv[0] names it) asks for operation `name`: it holds "NAME NUMBER", padded with blanks to one
// page. Step NUMBER fails then, once in each process, and the file says from byte 512 on which one it was
// ("FILE:LINE\n", the last to fail).
void arm(const char* name);

// Whether this step is the one that is to fail.
bool due(const char* file, int line);

// What it fails with: code INJECTED.
Error failure(const char* file, int line);

}  // namespace fault

}  // namespace lichen

#define LICHEN_STEP_MAY_FAIL() \
  if (::lichen::fault::due(__FILE__, __LINE__)) return ::lichen::fault::failure(__FILE__, __LINE__)

#define LICHEN_MAY_FAIL_FROM_HERE(name) ::lichen::fault::arm(name)

#else

#define LICHEN_STEP_MAY_FAIL() (void)0
#define LICHEN_MAY_FAIL_FROM_HERE(name) (void)0

#endif
