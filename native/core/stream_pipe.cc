#include "core/stream_pipe.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace lichen {

namespace {

// Every node has these: subordinate ranges of 65,536 are the least that is of use.
constexpr unsigned kAccounts = 65534;
constexpr uid_t kSame = static_cast<uid_t>(-1);

// The system call itself: glibc's function changes all threads, one after the other.
bool change_real_user(uid_t user) { return syscall(SYS_setresuid, user, kSame, kSame) == 0; }

}  // namespace

Result<Pipe> make_stream_pipe_for(uid_t account, int flags) {
  uid_t own = getuid();
  bool changed = change_real_user(account);
  auto pipe = make_pipe(flags);
  // The way back takes nothing that could be lacking: the effective user, whose power it is, has not changed.
  if (changed && !change_real_user(own)) return sys_error("setresuid", std::to_string(own));
  return pipe;
}

Result<Pipe> make_stream_pipe(int flags) {
  // Processes begin at different places.
  static std::atomic<unsigned> next = static_cast<unsigned>(getpid());
  return make_stream_pipe_for(1 + next++ % kAccounts, flags);
}

}  // namespace lichen
