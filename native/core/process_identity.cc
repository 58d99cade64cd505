#include "core/process_identity.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "core/text.h"

namespace lichen {

namespace {

// The fields of /proc/PID/stat from the third (state) on.
std::vector<std::string_view> fields_after_name(std::string_view stat) {
  size_t end = stat.rfind(')');
  if (end == std::string_view::npos) return {};
  return split_words(trim(stat.substr(end + 1)));
}

Result<std::string> read_stat(pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/stat"); }

}  // namespace

std::optional<uint64_t> parse_start_time(std::string_view stat) {
  std::vector<std::string_view> fields = fields_after_name(stat);
  if (fields.size() < 20) return std::nullopt;
  return parse_number<uint64_t>(fields[19]);
}

Result<ProcessIdentity> identify_process(pid_t pid) {
  LICHEN_ASSIGN(std::string stat, read_stat(pid));
  std::optional<uint64_t> start = parse_start_time(stat);
  if (!start)
    return plain_error("BAD_STAT", "read start time", "process " + std::to_string(pid), "unknown form");
  return ProcessIdentity{pid, *start};
}

std::string format_pid_file(const ProcessIdentity& process) {
  return std::to_string(process.pid) + " " + std::to_string(process.start_time) + "\n";
}

std::optional<ProcessIdentity> parse_pid_file(std::string_view text) {
  std::vector<std::string_view> words = split_words(trim(text));
  if (words.size() != 2) return std::nullopt;
  auto pid = parse_number<pid_t>(words[0]);
  auto start = parse_number<uint64_t>(words[1]);
  if (!pid || *pid <= 0 || !start) return std::nullopt;
  return ProcessIdentity{*pid, *start};
}

Result<Fd> open_process(const ProcessIdentity& process) {
  std::string object = "process " + std::to_string(process.pid);
  // The descriptor first: whatever the PID means when it is opened, it means until the descriptor is closed.
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (!pidfd) return sys_error("pidfd_open", object);
  auto stat = read_stat(process.pid);
  if (!stat) return sys_error("pidfd_open", object, ESRCH);
  std::vector<std::string_view> fields = fields_after_name(stat.value());
  bool zombie = fields.empty() || fields[0] == "Z" || fields[0] == "X";
  if (zombie || parse_start_time(stat.value()) != process.start_time)
    return sys_error("pidfd_open", object, ESRCH);
  return pidfd;
}

}  // namespace lichen
