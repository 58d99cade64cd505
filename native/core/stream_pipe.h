// Pipes for streams, which the kernel counts for a subordinate id instead of the user.
#pragma once

#include <sys/types.h>

#include "core/fd.h"

namespace lichen {

// A pipe2(O_CLOEXEC | flags) whose room is counted for `account`, an id of the caller's user namespace.
//
// A user may have 64 MiB of pipes; any more hold 8 KiB each, and none is enlarged (pipe(7),
// pipe-user-pages-soft). Two pastas take as much, and so do thirty containers: every stream of the node would
// crawl. The kernel counts a pipe for the real user of whoever makes it, for as long as it lives; whoever may
// change to another id and back has that id's 64 MiB as well. Everything else about the pipe, its owner too,
// is as of make_pipe(). Where the caller may not change, or has no such id, it is counted for the user.
//
// Only the calling thread changes, and only for the one call.
Result<Pipe> make_stream_pipe_for(uid_t account, int flags = 0);

// The same with another account each time, so that no stream depends on what others hold.
Result<Pipe> make_stream_pipe(int flags = 0);

}  // namespace lichen
