// What a container writes: from its pipes (or terminal) into its log file, and to the clients that are
// attached.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/log_format.h"
#include "monitor/log_file.h"
#include "monitor/output_copy.h"
#include "monitor/scratch.h"
#include "service/event_loop.h"

namespace lichen::monitor {

class Output {
 public:
  Output(EventLoop& loop, const Scratch& scratch, LogFile file)
      : loop_(loop), scratch_(scratch), file_(std::move(file)) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Reads `source` (the reading end of a pipe, or a terminal's master) until it ends. `name`: "stdout",
  // "stderr".
  Status add(const char* name, Fd source);
  // Reads what is there now, without waiting for the ends: a descendant of the container may keep them open
  // for ever.
  void drain();
  Status reopen() { return file_.reopen(); }
  // The reading end of a pipe with what the stream called `name` writes from now on. It ends with the stream,
  // at end_copies(), or after `too_slow`: see OutputCopy.
  Result<Fd> copy(const char* name, std::function<void()> too_slow);
  // The container has ended, and with it every copy, whoever may still hold the streams open; and the log
  // says what it lacks.
  void finish();
  // Entries that the log lacks.
  uint64_t lost() const { return file_.lost(); }

 private:
  struct Stream {
    std::string name;
    LogStream log;
    Fd source;
    std::vector<std::unique_ptr<OutputCopy>> copies;
  };
  // One read. False when there was nothing, or the stream has ended.
  bool pump(Stream& stream);

  EventLoop& loop_;
  Scratch scratch_;
  LogFile file_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

// A pipe for output: its reading end does not block, and it holds as much as the user may have.
Result<Pipe> make_output_pipe();

}  // namespace lichen::monitor
