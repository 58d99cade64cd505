#include "monitor/output.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include "core/clock.h"
#include "core/stream_pipe.h"

namespace lichen::monitor {

namespace {

Status make_nonblocking(const Fd& fd) {
  int flags = fcntl(fd.get(), F_GETFL);
  if (flags < 0 || fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return sys_error("fcntl", "O_NONBLOCK");
  return {};
}

}  // namespace

Result<Pipe> make_output_pipe() {
  LICHEN_ASSIGN(Pipe pipe, make_stream_pipe());
  LICHEN_TRY(make_nonblocking(pipe.read));
  // Refused (EPERM) where make_stream_pipe() could not help; the usual 64 KiB work too.
  fcntl(pipe.write.get(), F_SETPIPE_SZ, static_cast<int>(Scratch::kInput));
  return pipe;
}

Output::~Output() {
  for (const auto& stream : streams_) loop_.forget(stream->source);
}

Status Output::add(const char* name, Fd source) {
  LICHEN_TRY(make_nonblocking(source));
  streams_.push_back(std::make_unique<Stream>(Stream{name, LogStream(name), std::move(source), {}}));
  Stream* stream = streams_.back().get();
  return loop_.watch(stream->source, EPOLLIN, [this, stream](uint32_t) { pump(*stream); });
}

void Output::drain() {
  for (const auto& stream : streams_)
    while (stream->source && pump(*stream)) {
    }
}

bool Output::pump(Stream& stream) {
  ssize_t n = read(stream.source.get(), scratch_.input(), Scratch::kInput);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  LogBuffer buffer(scratch_.output(), Scratch::kOutput,
                   [this](std::string_view entries) { file_.append(entries); });
  if (n > 0) {
    std::string_view bytes(scratch_.input(), static_cast<size_t>(n));
    stream.log.feed(bytes, now_ns(), buffer);
    buffer.flush();
    for (const auto& copy : stream.copies) copy->write(bytes);
    return true;
  }
  // The end, or EIO: a terminal that nobody has open any more.
  stream.log.finish(now_ns(), buffer);
  buffer.flush();
  loop_.forget(stream.source);
  stream.source.reset();
  for (const auto& copy : stream.copies) copy->finish();
  return false;
}

Result<Fd> Output::copy(const char* name, std::function<void()> too_slow) {
  LICHEN_ASSIGN(Pipe pipe, make_stream_pipe());
  LICHEN_TRY(make_nonblocking(pipe.write));
  fcntl(pipe.write.get(), F_SETPIPE_SZ,
        static_cast<int>(OutputCopy::kMaxWaiting));  // as for the container's own
  for (const auto& stream : streams_) {
    if (stream->name != name || !stream->source) continue;
    std::erase_if(stream->copies, [](const auto& copy) { return copy->closed(); });
    auto copy = std::make_unique<OutputCopy>(loop_, std::move(pipe.write), std::move(too_slow));
    LICHEN_TRY(copy->open());
    stream->copies.push_back(std::move(copy));
  }
  return std::move(pipe.read);
}

void Output::finish() {
  for (const auto& stream : streams_)
    for (const auto& copy : stream->copies) copy->finish();
  file_.finish();
}

}  // namespace lichen::monitor
