#include "monitor/exec_child.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/apparmor.h"
#include "core/child_process.h"
#include "core/executable.h"
#include "core/terminal.h"
#include "core/user_namespace.h"
#include "monitor/child_report.h"

namespace lichen::monitor {

namespace {

struct Prepared {
  OciProcess process;
  std::optional<SeccompFilter> filter;
};

}  // namespace

Result<OciProcess> read_exec_process(const Fd& memfd) {
  LICHEN_ASSIGN(std::string text, read_file(self_path(memfd)));
  LICHEN_ASSIGN(JsonDocument document, JsonDocument::parse(text, "OCI process"));
  return read_oci_process(document, document.root());
}

namespace {

Status open_exec_terminal(const ExecStart& start, const OciProcess& process) {
  LICHEN_ASSIGN(Fd root, open_at(Fd(), "/", O_PATH | O_DIRECTORY));
  LICHEN_ASSIGN(Terminal terminal, open_terminal(root, start.size, process.user.uid));
  LICHEN_TRY(adopt_terminal(terminal.slave));
  return report_ready(start.channel, terminal.master, Fd());
}

Result<Prepared> prepare(const ExecStart& start) {
  Prepared prepared;
  LICHEN_ASSIGN(prepared.process, read_exec_process(start.process));
  if (start.seccomp) {
    LICHEN_ASSIGN(prepared.filter, load_saved_seccomp(start.seccomp));
  }
  LICHEN_ASSIGN(Fd null, open_at(Fd(), "/dev/null", O_RDWR));
  if (start.nested)
    LICHEN_TRY(become_namespace_root());
  else
    LICHEN_TRY(own_streams(start.streams, prepared.process.user.uid));
  LICHEN_TRY(install_streams(start.streams, null));
  // A default that was loaded or removed since the container was started is not its default.
  std::string& usual = prepared.process.apparmor_default;
  if (!usual.empty() && !is_confined_by(start.container_pid, usual)) usual.clear();
  LICHEN_TRY(choose_confinement(prepared.process));
  // Network, IPC and UTS are the monitor's already; setns(2) with a mount namespace also moves root and
  // directory there.
  if (setns(start.container.get(), CLONE_NEWNS) != 0) return sys_error("setns", "the container");
  // Born in the container's cgroup, it sees the same root as the container does; but by this namespace the
  // monitor knows all that comes of it, whatever session and parent they have.
  if (unshare(CLONE_NEWCGROUP) != 0) return sys_error("unshare", "CLONE_NEWCGROUP");
  if (start.terminal) LICHEN_TRY(open_exec_terminal(start, prepared.process));
  LICHEN_TRY(assume_identity(prepared.process, prepared.filter.has_value()));
  return prepared;
}

}  // namespace

void run_exec_child(ExecStart start) {
  reset_signals();
  close_all_but({&start.process, &start.container, &start.channel, &start.seccomp, &start.streams.in,
                 &start.streams.out, &start.streams.error});
  setsid();
  // The container sees this process from its birth on and may not look into it.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  auto prepared = prepare(start);
  if (!prepared) report_failure(start.channel, prepared.error(), 126);
  Error failure = run_process(prepared->process, prepared->filter);
  report_failure(start.channel, failure, exit_code_of(failure));
}

}  // namespace lichen::monitor
