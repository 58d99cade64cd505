#include "ports/splice_flow.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "core/listen.h"

using namespace lichen;
using namespace lichen::ports;

namespace {

// A TCP connection over loopback; both ends non-blocking.
struct Connected {
  Fd near;
  Fd far;
};

Connected connected() {
  auto listening = listen_on(SocketAddress::parse("127.0.0.1", 0).value());
  REQUIRE(listening.ok());
  Connected pair;
  pair.near = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address = SocketAddress::parse("127.0.0.1", listening->port).value();
  REQUIRE(connect(pair.near.get(), address.get(), address.size()) == 0);
  pair.far = Fd(accept4(listening->fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  REQUIRE(pair.far);
  fcntl(pair.near.get(), F_SETFL, O_NONBLOCK);
  return pair;
}

std::string read_some(const Fd& fd) {
  char buffer[65536];
  ssize_t n = read(fd.get(), buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : n == 0 ? "<end>" : "<nothing>";
}

}  // namespace

TEST_CASE("bytes pass, and then the end") {
  PipePool pool;
  Connected in = connected();
  Connected out = connected();
  SpliceFlow flow(pool, in.far, out.near);
  CHECK(flow.move().value() == SpliceFlow::State::waiting);
  REQUIRE(write(in.near.get(), "hello", 5) == 5);
  CHECK(flow.move().value() == SpliceFlow::State::waiting);
  CHECK(read_some(out.far) == "hello");
  CHECK(read_some(out.far) == "<nothing>");
  shutdown(in.near.get(), SHUT_WR);
  CHECK(flow.move().value() == SpliceFlow::State::done);
  CHECK(flow.done());
  CHECK(read_some(out.far) == "<end>");
  CHECK(flow.move().value() == SpliceFlow::State::done);
}

TEST_CASE("a receiver that does not read holds bytes up, and none are lost") {
  PipePool pool;
  Connected in = connected();
  Connected out = connected();
  SpliceFlow flow(pool, in.far, out.near);
  const std::string block(65536, 'x');
  size_t written = 0;
  for (int stalled = 0; stalled < 3;) {
    ssize_t n = write(in.near.get(), block.data(), block.size());
    if (n > 0) written += static_cast<size_t>(n);
    stalled = n > 0 ? 0 : stalled + 1;
    REQUIRE(flow.move().ok());
  }
  shutdown(in.near.get(), SHUT_WR);
  size_t got = 0;
  for (std::string part; part != "<end>"; part = read_some(out.far)) {
    REQUIRE(flow.move().ok());
    if (part != "<nothing>") got += part.size();
  }
  CHECK(got == written);
}

TEST_CASE("a connection that was reset is an error") {
  PipePool pool;
  Connected in = connected();
  Connected out = connected();
  SpliceFlow flow(pool, in.far, out.near);
  linger now{1, 0};
  setsockopt(in.near.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  in.near.reset();
  auto moved = flow.move();
  REQUIRE(!moved.ok());
  CHECK(moved.error().code == "ECONNRESET");
}

TEST_CASE("pipes are kept for the next one, a few of them") {
  PipePool pool;
  auto first = pool.take();
  REQUIRE(first.ok());
  int number = first->read.get();
  pool.give_back(std::move(first).value());
  CHECK(pool.take()->read.get() == number);
}
