// The JavaScript class Channel: packets with descriptors on Node's event loop.
#pragma once

#include <napi.h>

#include <deque>
#include <string>
#include <vector>

#include "addon/convert.h"
#include "addon/loop_poll.h"
#include "core/scm.h"

namespace lichen::addon {

// new Channel(fd, onMessage(text, fds), onClose(error | undefined))
//   Takes over `fd`, a connected SOCK_SEQPACKET socket. Stays alive, collected or not, until it is closed
//   from either side; onClose comes once, for the peer's end and for errors, and not after close().
// send(text, fds): one packet; never waits. What the socket does not take at once is queued, with duplicates
// of the descriptors:
//   the caller may close its own when send returns. EAGAIN when
//   the peer leaves more than 1024 packets waiting.
class Channel : public Napi::ObjectWrap<Channel> {
 public:
  static void define(Napi::Env env, Napi::Object exports);
  explicit Channel(const Napi::CallbackInfo& info);

 private:
  struct Queued {
    std::string bytes;
    std::vector<Fd> fds;
  };

  void send(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  void set_ref(const Napi::CallbackInfo& info);
  Napi::Value queued(const Napi::CallbackInfo& info);

  void on_event(int events);
  void receive();
  void flush();
  // Ends the channel; the socket is closed when this returns.
  void finish();
  // finish(), then onClose.
  void fail(const Error* error);

  Fd socket_;
  LoopPoll poll_;
  std::deque<Queued> queue_;
  Napi::FunctionReference on_message_;
  Napi::FunctionReference on_close_;
  Napi::AsyncContext context_;
};

void add_channel(Napi::Env env, Napi::Object exports);

}  // namespace lichen::addon
