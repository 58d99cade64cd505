#include "service/event_loop.h"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <vector>

using namespace lichen;
using std::chrono::milliseconds;

TEST_CASE("a readable descriptor calls its handler until it is forgotten") {
  EventLoop loop = std::move(EventLoop::create()).value();
  Pipe pipe = std::move(make_pipe()).value();
  int calls = 0;
  REQUIRE(loop.watch(pipe.read, EPOLLIN,
                     [&](uint32_t events) {
                       CHECK((events & EPOLLIN) != 0);
                       if (++calls < 3) return;
                       loop.forget(pipe.read);
                       loop.after(milliseconds(1), [&] { loop.stop(); });
                     })
              .ok());
  REQUIRE(write(pipe.write.get(), "x", 1) == 1);
  REQUIRE(loop.run().ok());
  CHECK(calls == 3);
}

TEST_CASE("a handler may forget another that is due in the same round") {
  EventLoop loop = std::move(EventLoop::create()).value();
  Pipe one = std::move(make_pipe()).value();
  Pipe two = std::move(make_pipe()).value();
  int calls = 0;
  auto only_once = [&](uint32_t) {
    calls++;
    loop.forget(one.read);
    loop.forget(two.read);
    loop.after(milliseconds(1), [&] { loop.stop(); });
  };
  REQUIRE(loop.watch(one.read, EPOLLIN, only_once).ok());
  REQUIRE(loop.watch(two.read, EPOLLIN, only_once).ok());
  REQUIRE(write(one.write.get(), "x", 1) == 1);
  REQUIRE(write(two.write.get(), "x", 1) == 1);
  REQUIRE(loop.run().ok());
  CHECK(calls == 1);
}

TEST_CASE("timers run in order of their time, cancelled ones never") {
  EventLoop loop = std::move(EventLoop::create()).value();
  std::vector<int> order;
  loop.after(milliseconds(6), [&] {
    order.push_back(3);
    loop.stop();
  });
  loop.after(milliseconds(1), [&] { order.push_back(1); });
  auto cancelled = loop.after(milliseconds(2), [&] { order.push_back(2); });
  loop.cancel(cancelled);
  REQUIRE(loop.run().ok());
  CHECK(order == std::vector<int>{1, 3});
}
