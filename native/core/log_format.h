// The CRI log format: `2026-11-24T03:49:53.123456789Z stdout F line` (KEP "CRI Container Log", cri-api's
// ContainerConfig.log_path).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace lichen {

// The longest piece of a line that is written as one entry; what is longer is cut into entries tagged P
// (partial).
inline constexpr size_t kMaxLogLine = 16384;

// Collects output in a given memory and passes it on whenever it is full; flush() passes on the rest.
class LogBuffer {
 public:
  using Sink = std::function<void(std::string_view)>;
  // `memory` is borrowed and must hold one entry (kMaxLogLine and 64 bytes) at least.
  LogBuffer(char* memory, size_t size, Sink sink) : memory_(memory), size_(size), sink_(std::move(sink)) {}
  void append(std::string_view a, std::string_view b, std::string_view c);
  void flush();

 private:
  char* memory_;
  size_t size_;
  size_t used_ = 0;
  Sink sink_;
};

// Cuts one stream (stdout or stderr) of a container into entries. A line that is not yet complete waits here,
// at most kMaxLogLine bytes of it.
class LogStream {
 public:
  explicit LogStream(std::string_view name) : name_(name) {}

  // Entries for `data`, which arrived at `time` (nanoseconds since the epoch).
  void feed(std::string_view data, int64_t time, LogBuffer& out);
  // The stream has ended: what has no line end is written as a partial entry.
  void finish(int64_t time, LogBuffer& out);

 private:
  void entry(char tag, std::string_view text, LogBuffer& out);

  std::string name_;
  std::string waiting_;
  std::string prefix_;  // of the present feed: time, stream, tag
};

// RFC 3339 with nine digits of the second, UTC.
std::string log_time(int64_t time);

}  // namespace lichen
