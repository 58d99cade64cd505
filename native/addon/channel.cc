#include "addon/channel.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "addon/fd_object.h"

namespace lichen::addon {

namespace {

constexpr napi_type_tag kTypeTag = {0x6c69636865e4c4a2, 0x9f3be51d60c24a77};

// Packets read in one turn of the loop, so that a talkative peer does not keep everything else waiting.
constexpr int kPacketsPerTurn = 32;

// A peer that reads nothing for this many packets is not waited for any longer.
constexpr size_t kMaxQueued = 1024;

Status check_socket(const Fd& fd) {
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0) return sys_error("open channel");
  if (type != SOCK_SEQPACKET)
    return plain_error("ESOCKTNOSUPPORT", "open channel", "", "the socket is not of type SOCK_SEQPACKET");
  int flags = fcntl(fd.get(), F_GETFL);
  if (fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return sys_error("fcntl(O_NONBLOCK)");
  return {};
}

}  // namespace

void Channel::define(Napi::Env env, Napi::Object exports) {
  exports.Set("Channel",
              DefineClass(env, "Channel",
                          {InstanceMethod<&Channel::send>("send"), InstanceMethod<&Channel::close>("close"),
                           InstanceMethod<&Channel::set_ref>("setRef"),
                           InstanceAccessor<&Channel::queued>("queued")}));
}

Channel::Channel(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Channel>(info), context_(info.Env(), "lichen.Channel") {
  Arguments arguments(info, "Channel");
  const Fd& fd = FdObject::from(arguments, info[0], "fd");
  Napi::Function on_message = arguments.function(info[1], "onMessage");
  Napi::Function on_close = arguments.function(info[2], "onClose");
  if (!arguments.ok()) return;
  if (auto checked = check_socket(fd); !checked) {
    throw_error(info.Env(), checked.error());
    return;
  }
  auto poll = LoopPoll::start(info.Env(), fd, UV_READABLE, [this](int events) { on_event(events); });
  if (!poll) {
    throw_error(info.Env(), poll.error());
    return;
  }
  poll_ = std::move(poll).value();
  socket_ = FdObject::take(arguments, info[0], "fd");
  on_message_ = Napi::Persistent(on_message);
  on_close_ = Napi::Persistent(on_close);
  Value().TypeTag(&kTypeTag);
  Ref();
}

void Channel::send(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "send");
  std::string text = arguments.string(info[0], "text");
  Napi::Array list = arguments.array(info[1], "fds");
  std::vector<const Fd*> fds;
  for (uint32_t i = 0; arguments.ok() && i < list.Length(); i++)
    fds.push_back(&FdObject::from(arguments, list.Get(i), "fds"));
  if (!arguments.ok()) return;
  if (!poll_) {
    throw_error(info.Env(), sys_error("send packet", "(channel is closed)", EPIPE));
    return;
  }
  Status sent =
      queue_.empty() ? send_packet(socket_, text, fds) : Status(sys_error("send packet", "", EAGAIN));
  if (sent) return;
  if (sent.error().number != EAGAIN) {
    throw_error(info.Env(), sent.error());
    return;
  }
  if (queue_.size() >= kMaxQueued) {
    throw_error(info.Env(), sys_error("send packet", "(the peer reads nothing)", EAGAIN));
    return;
  }
  Queued queued{std::move(text), {}};
  for (const Fd* fd : fds) {
    auto copy = fd->duplicate();
    if (!copy) {
      throw_error(info.Env(), copy.error());
      return;
    }
    queued.fds.push_back(std::move(copy).value());
  }
  queue_.push_back(std::move(queued));
  poll_.watch(UV_READABLE | UV_WRITABLE);
}

void Channel::close(const Napi::CallbackInfo&) { finish(); }

void Channel::set_ref(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "setRef");
  bool ref = arguments.optional_boolean(info[0], "ref");
  if (arguments.ok()) poll_.set_ref(ref);
}

Napi::Value Channel::queued(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(queue_.size()));
}

void Channel::on_event(int events) {
  // Keeps the object, which the callbacks may close, until the end of this turn.
  [[maybe_unused]] Napi::Value self = Value();
  if (events & UV_WRITABLE) flush();
  if (poll_ && (events & UV_READABLE)) receive();
}

void Channel::receive() {
  Napi::Env env = Env();
  for (int i = 0; poll_ && i < kPacketsPerTurn && can_run_javascript(env); i++) {
    Napi::HandleScope scope(env);
    auto packet = receive_packet(socket_);
    if (!packet) {
      if (packet.error().number != EAGAIN) fail(&packet.error());
      return;
    }
    if (!packet.value().has_value()) {
      fail(nullptr);
      return;
    }
    Napi::Array fds = Napi::Array::New(env);
    for (auto& fd : packet.value()->fds) fds.Set(fds.Length(), FdObject::wrap(env, std::move(fd)));
    Napi::String text = Napi::String::New(env, packet.value()->bytes);
    call_from_loop(env, on_message_, context_, {text, fds});
  }
}

void Channel::flush() {
  while (!queue_.empty()) {
    std::vector<const Fd*> fds;
    for (const auto& fd : queue_.front().fds) fds.push_back(&fd);
    Status sent = send_packet(socket_, queue_.front().bytes, fds);
    if (!sent) {
      if (sent.error().number != EAGAIN) fail(&sent.error());
      return;
    }
    queue_.pop_front();
  }
  poll_.watch(UV_READABLE);
}

void Channel::finish() {
  if (!poll_) return;
  poll_.stop();
  socket_.reset();
  queue_.clear();
  // They lead to the object that leads here: held on, none of the three would ever be collected.
  on_message_.Reset();
  on_close_.Reset();
  Unref();
}

void Channel::fail(const Error* error) {
  Napi::Env env = Env();
  Napi::Value reason = error ? to_error(env, *error).Value() : env.Undefined();
  Napi::FunctionReference on_close = std::move(on_close_);
  finish();
  call_from_loop(env, on_close, context_, {reason});
}

void add_channel(Napi::Env env, Napi::Object exports) { Channel::define(env, exports); }

}  // namespace lichen::addon
