#include "core/log_format.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace lichen {

void LogBuffer::append(std::string_view a, std::string_view b, std::string_view c) {
  if (a.size() + b.size() + c.size() > size_ - used_) flush();
  for (std::string_view piece : {a, b, c}) {
    memcpy(memory_ + used_, piece.data(), piece.size());
    used_ += piece.size();
  }
}

void LogBuffer::flush() {
  if (used_ > 0) sink_({memory_, used_});
  used_ = 0;
}

std::string log_time(int64_t time) {
  time_t seconds = time / 1000000000;
  tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", parts.tm_year + 1900, parts.tm_mon + 1,
           parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(time % 1000000000));
  return text;
}

void LogStream::entry(char tag, std::string_view text, LogBuffer& out) {
  prefix_[prefix_.size() - 2] = tag;
  if (waiting_.empty()) return out.append(prefix_, text, "\n");
  waiting_.append(text);
  out.append(prefix_, waiting_, "\n");
  waiting_ = {};
}

void LogStream::feed(std::string_view data, int64_t time, LogBuffer& out) {
  prefix_ = log_time(time) + " " + name_ + " F ";
  while (!data.empty()) {
    size_t room = kMaxLogLine - waiting_.size();
    const void* end = memchr(data.data(), '\n', std::min(data.size(), room + 1));
    if (end != nullptr) {
      size_t length = static_cast<size_t>(static_cast<const char*>(end) - data.data());
      entry('F', data.substr(0, length), out);
      data.remove_prefix(length + 1);
    } else if (data.size() > room) {
      entry('P', data.substr(0, room), out);
      data.remove_prefix(room);
    } else {
      waiting_.append(data);
      return;
    }
  }
}

void LogStream::finish(int64_t time, LogBuffer& out) {
  if (waiting_.empty()) return;
  prefix_ = log_time(time) + " " + name_ + " P ";
  entry('P', "", out);
}

}  // namespace lichen
