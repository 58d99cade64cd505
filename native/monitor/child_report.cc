#include "monitor/child_report.h"

#include <unistd.h>

#include "core/json.h"

namespace lichen::monitor {

Status report_ready(const Fd& channel, const Fd& terminal, const Fd& seccomp) {
  std::vector<const Fd*> fds;
  if (terminal) fds.push_back(&terminal);
  if (seccomp) fds.push_back(&seccomp);
  std::string text = JsonObject().flag("terminal", bool(terminal)).flag("seccomp", bool(seccomp)).str();
  return send_packet(channel, text, fds);
}

void report_failure(const Fd& channel, const Error& error, int exit_code) {
  (void)send_packet(channel, JsonObject().raw("error", error_to_json(error)).str());
  _exit(exit_code);
}

void wait_for_go(const Fd& channel) {
  auto packet = receive_packet(channel);
  if (!packet || !*packet.operator->()) _exit(1);
}

Result<ChildReport> read_report(Packet packet) {
  LICHEN_ASSIGN(JsonDocument document, JsonDocument::parse(packet.bytes, "report of a process being set up"));
  JsonReader root = document.root();
  ChildReport report;
  if (root.has("error")) report.error = error_from_json(root.object("error"));
  size_t next = 0;
  if (root.flag("terminal") && next < packet.fds.size()) report.terminal = std::move(packet.fds[next++]);
  if (root.flag("seccomp") && next < packet.fds.size()) report.seccomp = std::move(packet.fds[next++]);
  LICHEN_TRY(document.status());
  return report;
}

Status send_go(const Fd& channel) { return send_packet(channel, "go"); }

}  // namespace lichen::monitor
