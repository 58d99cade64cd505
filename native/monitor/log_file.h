// The log file of a container.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/fd.h"

namespace lichen::monitor {

// When a log is rotated here, without a kubelet.
struct LogLimits {
  uint64_t max_size = 0;   // bytes of one file; 0: never
  uint64_t max_files = 0;  // this many are kept, the one that is written to counted
};

class LogFile {
 public:
  // Entries could not be written: why the last one could not, and how many since the log was opened.
  using OnLoss = std::function<void(const Error& error, uint64_t lost)>;

  // An empty path throws the output away.
  static Result<LogFile> open(std::string path, LogLimits limits, OnLoss on_loss);

  // Whole entries. Never fails and never waits for room: what cannot be written is counted, and when there is
  // room again an entry says how much is missing. No entry is ever torn: the rest of one that was half
  // written comes first then.
  void append(std::string_view entries);
  // Opens the path anew, after somebody has moved the file away. The old file stays in use when that fails.
  Status reopen();
  // Nothing more comes: a last attempt at what is still owed.
  void finish();

  uint64_t lost() const { return lost_; }

 private:
  LogFile(std::string path, LogLimits limits, Fd file, uint64_t size, OnLoss on_loss)
      : path_(std::move(path)),
        limits_(limits),
        file_(std::move(file)),
        size_(size),
        on_loss_(std::move(on_loss)) {}
  // Writes what of earlier appends is still owed. False when there is no room for it.
  bool catch_up();
  // Entries that fit into this file, and those behind them into the next ones.
  void put(std::string_view entries);
  // Into the present file. What is left of an entry that was half written is kept. Answers the entries for
  // which there was no room; `ok` when that is none.
  struct Written {
    bool ok;
    std::string_view unwritten;
  };
  Written write_entries(std::string_view entries);
  void lose(std::string_view entries);
  void rotate();

  std::string path_;
  LogLimits limits_;
  Fd file_;
  uint64_t size_;  // of the file
  OnLoss on_loss_;
  std::string rest_;       // of an entry whose beginning is in the file
  uint64_t lost_ = 0;      // entries, since the log was opened
  uint64_t unmarked_ = 0;  // of these, those that no entry tells of yet
  Error failure_;          // the last one
};

}  // namespace lichen::monitor
