// The log file of a container.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/fd.h"

namespace lichen::monitor {

class LogFile {
 public:
  // Called when entries could not be written: why, and how many lines since the last call. At most once a
  // second.
  using OnError = std::function<void(const Error& error, uint64_t lost)>;

  // An empty path throws the output away.
  static Result<LogFile> open(std::string path, OnError on_error);

  // Whole entries. Never fails: what cannot be written is counted, and the container goes on.
  void append(std::string_view entries);
  // Opens the path anew, after somebody has moved the file away. The old file stays in use when that fails.
  Status reopen();

 private:
  LogFile(std::string path, Fd file, OnError on_error)
      : path_(std::move(path)), file_(std::move(file)), on_error_(std::move(on_error)) {}
  void report(const Error& error, std::string_view unwritten);

  std::string path_;
  Fd file_;
  OnError on_error_;
  bool torn_ = false;  // the file ends in the middle of an entry
  uint64_t lost_ = 0;
  int64_t reported_at_ = 0;
};

}  // namespace lichen::monitor
