#include "monitor/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/clock.h"
#include "core/log_format.h"

namespace lichen::monitor {

namespace {

struct OpenLog {
  Fd file;
  uint64_t size = 0;
};

Result<OpenLog> open_log(const std::string& path) {
  OpenLog log;
  if (path.empty()) return log;
  LICHEN_ASSIGN(log.file, open_at(Fd(), path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640));
  struct stat now {};
  if (fstat(log.file.get(), &now) == 0) log.size = static_cast<uint64_t>(now.st_size);
  return log;
}

}  // namespace

Result<LogFile> LogFile::open(std::string path, LogLimits limits, OnLoss on_loss) {
  auto log = open_log(path);
  if (!log) return std::move(log).error().within("container log");
  return LogFile(std::move(path), limits, std::move(log->file), log->size, std::move(on_loss));
}

Status LogFile::reopen() {
  auto log = open_log(path_);
  if (!log) return std::move(log).error().within("container log");
  // An entry that is half in the old file belongs there.
  std::string rest = std::exchange(rest_, {});
  if (!write_entries(rest).ok) {
    rest_.clear();
    lose(rest);
  }
  file_ = std::move(log->file);
  size_ = log->size;
  return {};
}

void LogFile::append(std::string_view entries) {
  if (!file_) return;
  if (catch_up()) return put(entries);
  lose(entries);
}

void LogFile::finish() {
  if (file_) catch_up();
}

bool LogFile::catch_up() {
  std::string rest = std::exchange(rest_, {});
  auto [ok, unwritten] = write_entries(rest);
  if (!ok) {
    if (rest_.empty()) rest_ = unwritten;
    return false;
  }
  if (unmarked_ == 0) return true;
  std::string marker = log_time(now_ns()) + " stderr F lichen: " + std::to_string(unmarked_) +
                       " log entries are missing here: " + failure_.cause + " (" + failure_.code + ")\n";
  bool written = write_entries(marker).ok;
  // The rest of half a marker will follow.
  if (written || !rest_.empty()) unmarked_ = 0;
  return written;
}

void LogFile::put(std::string_view entries) {
  while (limits_.max_size > 0 && size_ + entries.size() > limits_.max_size) {
    uint64_t room = limits_.max_size > size_ ? limits_.max_size - size_ : 0;
    size_t end = room == 0 ? std::string_view::npos : entries.rfind('\n', room - 1);
    // An entry that is longer than a file may be gets one of its own.
    if (end == std::string_view::npos && size_ == 0) end = entries.find('\n');
    if (end != std::string_view::npos) {
      std::string_view fitting = entries.substr(0, end + 1);
      auto [ok, unwritten] = write_entries(fitting);
      if (!ok) return lose(entries.substr(fitting.size() - unwritten.size()));
      entries.remove_prefix(end + 1);
      if (entries.empty()) return;
    }
    rotate();
  }
  auto [ok, unwritten] = write_entries(entries);
  if (!ok) lose(unwritten);
}

LogFile::Written LogFile::write_entries(std::string_view entries) {
  size_t done = 0;
  int failure = 0;
  while (failure == 0 && done < entries.size()) {
    ssize_t n = write(file_.get(), entries.data() + done, entries.size() - done);
    if (n > 0)
      done += static_cast<size_t>(n);
    else if (n == 0 || errno != EINTR)
      failure = n == 0 ? ENOSPC : errno;
  }
  size_ += done;
  if (failure == 0) return {true, {}};
  failure_ = sys_error("write", "container log \"" + path_ + "\"", failure);
  entries.remove_prefix(done);
  if (done > 0 && entries.data()[-1] != '\n') {
    size_t end = entries.find('\n') + 1;
    rest_ = entries.substr(0, end);
    entries.remove_prefix(end);
  }
  return {false, entries};
}

void LogFile::lose(std::string_view entries) {
  auto lost = static_cast<uint64_t>(std::count(entries.begin(), entries.end(), '\n'));
  if (lost == 0) return;
  lost_ += lost;
  unmarked_ += lost;
  on_loss_(failure_, lost_);
}

// PATH becomes PATH.1, what was that PATH.2, and so on; the oldest goes. What fails leaves the present file
// in use until it has grown by as much again.
void LogFile::rotate() {
  auto name = [this](uint64_t number) { return path_ + "." + std::to_string(number); };
  size_ = 0;
  for (uint64_t number = limits_.max_files - 1; number > 1; number--)
    (void)::rename(name(number - 1).c_str(), name(number).c_str());
  int moved = limits_.max_files > 1 ? ::rename(path_.c_str(), name(1).c_str()) : unlink(path_.c_str());
  if (moved != 0) return;
  if (auto log = open_log(path_)) file_ = std::move(log->file);
}

}  // namespace lichen::monitor
