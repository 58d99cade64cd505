#include "ports/pipe_pool.h"

#include <fcntl.h>

#include "core/stream_pipe.h"

namespace lichen::ports {

namespace {

constexpr size_t kKept = 16;
// Room for the parts of several large segments; the kernel may grant less.
constexpr int kPipeSize = 512 << 10;

}  // namespace

Result<Pipe> PipePool::take() {
  if (!kept_.empty()) {
    Pipe pipe = std::move(kept_.back());
    kept_.pop_back();
    return pipe;
  }
  LICHEN_ASSIGN(Pipe pipe, make_stream_pipe(O_NONBLOCK));
  (void)fcntl(pipe.write.get(), F_SETPIPE_SZ, kPipeSize);
  return pipe;
}

void PipePool::give_back(Pipe pipe) {
  if (kept_.size() < kKept) kept_.push_back(std::move(pipe));
}

}  // namespace lichen::ports
