// One direction of a TCP connection, moved by the kernel without a copy.
#pragma once

#include <optional>

#include "ports/pipe_pool.h"

namespace lichen::ports {

class SpliceFlow {
 public:
  enum class State {
    waiting,  // for `from` to have more, or `to` to have room
    more,     // much has been moved and there may be more: others first, then again
    done,     // the end of `from` has been passed on
  };

  SpliceFlow(PipePool& pool, const Fd& from, const Fd& to) : pool_(pool), from_(from), to_(to) {}
  ~SpliceFlow();
  SpliceFlow(const SpliceFlow&) = delete;
  SpliceFlow& operator=(const SpliceFlow&) = delete;

  // Moves what can be moved now. At the end of `from`, `to` is shut down for writing. An error is that of a
  // socket (ECONNRESET, EPIPE, ETIMEDOUT).
  Result<State> move();
  bool done() const { return done_; }

 private:
  Result<bool> fill();
  Result<bool> empty();

  PipePool& pool_;
  const Fd& from_;
  const Fd& to_;
  std::optional<Pipe> pipe_;
  size_t inside_ = 0;  // bytes in the pipe
  bool ended_ = false;
  bool done_ = false;
};

}  // namespace lichen::ports
