#include "monitor/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/clock.h"

namespace lichen::monitor {

namespace {

constexpr int64_t kReportEvery = 1000000000;

Result<Fd> open_log(const std::string& path) {
  if (path.empty()) return Fd();
  return open_at(Fd(), path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
}

}  // namespace

Result<LogFile> LogFile::open(std::string path, OnError on_error) {
  auto file = open_log(path);
  if (!file) return std::move(file).error().within("container log");
  return LogFile(std::move(path), std::move(file).value(), std::move(on_error));
}

Status LogFile::reopen() {
  auto file = open_log(path_);
  if (!file) return std::move(file).error().within("container log");
  file_ = std::move(file).value();
  torn_ = false;
  return {};
}

void LogFile::append(std::string_view entries) {
  if (!file_) return;
  // After a torn entry a line end makes the next one readable.
  if (torn_ && write(file_.get(), "\n", 1) == 1) torn_ = false;
  size_t done = 0;
  int failure = torn_ ? errno : 0;
  while (failure == 0 && done < entries.size()) {
    ssize_t n = write(file_.get(), entries.data() + done, entries.size() - done);
    if (n > 0)
      done += static_cast<size_t>(n);
    else if (n == 0 || errno != EINTR)
      failure = n == 0 ? ENOSPC : errno;
  }
  if (done > 0) torn_ = entries[done - 1] != '\n';
  if (failure != 0)
    report(sys_error("write", "container log \"" + path_ + "\"", failure), entries.substr(done));
}

void LogFile::report(const Error& error, std::string_view unwritten) {
  lost_ += static_cast<uint64_t>(std::count(unwritten.begin(), unwritten.end(), '\n'));
  int64_t now = now_ns();
  if (now - reported_at_ < kReportEvery) return;
  on_error_(error, lost_);
  lost_ = 0;
  reported_at_ = now;
}

}  // namespace lichen::monitor
