// The command line of lichen-monitor.
#pragma once

namespace lichen::monitor {

// Does what the arguments say and gives the exit status: `pod --id SANDBOX_ID` serves a pod (PROTOCOL.md);
// `init` is PID 1 of a pod's shared PID namespace; `try-user-namespace` finds out whether pods can have user
// namespaces of their own.
int run_command(int argc, char** argv);

}  // namespace lichen::monitor
