// The `process` part of an OCI runtime spec: of a container, or alone for an exec.
#pragma once

#include <string>
#include <vector>

#include "core/capabilities.h"
#include "core/credentials.h"
#include "core/json.h"
#include "core/rlimits.h"
#include "core/terminal.h"

namespace lichen::monitor {

struct OciProcess {
  std::vector<std::string> args;
  std::vector<std::string> environment;
  std::string directory;  // cwd
  Credentials user;
  unsigned umask = 022;
  Capabilities capabilities;
  std::vector<ResourceLimit> limits;
  bool no_new_privileges = false;
  std::string apparmor_profile;  // "": none
  std::string apparmor_default;  // in place of none, when it is loaded
  std::string selinux_label;     // "": the monitor's own
  TerminalSize terminal_size;
};

// Reads and checks. Codes INVALID_FIELD, UNKNOWN_CAPABILITY, UNKNOWN_RLIMIT …; members that would have an
// effect and are not supported are refused, not ignored.
Result<OciProcess> read_oci_process(const JsonDocument& document, const JsonReader& process);

}  // namespace lichen::monitor
