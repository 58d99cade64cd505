// Pipes that bytes pass through on their way from one socket to another (splice(2)).
#pragma once

#include <vector>

#include "core/fd.h"

namespace lichen::ports {

// A connection has a pipe only while bytes are in it: pipes are dear (descriptors, and pages that count for
// the user as a whole), and most connections are idle at most times.
class PipePool {
 public:
  // An empty pipe, O_NONBLOCK.
  Result<Pipe> take();
  // Gives an empty pipe back; some are kept.
  void give_back(Pipe pipe);
  // Closes what is kept.
  void drain() { kept_.clear(); }

 private:
  std::vector<Pipe> kept_;
};

}  // namespace lichen::ports
