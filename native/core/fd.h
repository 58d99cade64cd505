// Fd: a file descriptor with an owner.
#pragma once

#include <string>
#include <utility>

#include "core/result.h"

namespace lichen {

// Owns one descriptor and closes it. Functions take `const Fd&` to use a descriptor and `Fd` to take it over;
// a naked int never crosses a function, except into a system call.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  // Gives the descriptor away without closing it.
  int release() { return std::exchange(number_, -1); }
  // Closes; the result of close(2) is of no use to the caller of a reset.
  void reset();
  // Closes and reports what close(2) said: for files whose last write must not be lost.
  Status close();
  // A second descriptor for the same open file, close-on-exec.
  Result<Fd> duplicate() const;

 private:
  int number_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
};

// pipe2(O_CLOEXEC | flags).
Result<Pipe> make_pipe(int flags = 0);

// openat(2) with O_CLOEXEC added. `directory` may be empty for the working directory (or absolute paths).
Result<Fd> open_at(const Fd& directory, const std::string& path, int flags, unsigned mode = 0);

// The path by which this process reaches what a descriptor shows (proc_pid_fd(5)), as long as it is open.
std::string self_path(const Fd& fd);

// Whole content of a (small) file; for /proc, /sys and memfds.
Result<std::string> read_file(const std::string& path);
Result<std::string> read_all(const Fd& fd);

// One write(2) of the whole text to an existing file: what /proc and /sys files want.
Status write_file(const std::string& path, const std::string& text);

// Writes everything, over as many calls as it takes.
Status write_all(const Fd& fd, const void* data, size_t size);

}  // namespace lichen
