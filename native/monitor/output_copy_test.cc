#include "monitor/output_copy.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>

using namespace lichen;
using namespace lichen::monitor;
using std::chrono::milliseconds;

namespace {

struct Fixture {
  EventLoop loop = std::move(EventLoop::create()).value();
  Pipe pipe = std::move(make_pipe(O_NONBLOCK)).value();
  int given_up = 0;
  OutputCopy copy{loop, std::move(pipe.write), [this] { given_up++; }};

  Fixture() {
    std::signal(SIGPIPE, SIG_IGN);
    REQUIRE(copy.open().ok());
  }

  // Lets handlers run, and reads all there is in between, until the end (or for far too long).
  size_t read_to_end() {
    size_t total = 0;
    static char buffer[1 << 16];
    bool over = false;
    loop.after(milliseconds(20000), [&] { over = true; });
    while (!over && !copy.closed()) {
      loop.after(milliseconds(1), [this] { loop.stop(); });
      REQUIRE(loop.run().ok());
      for (ssize_t n; (n = read(pipe.read.get(), buffer, sizeof buffer)) > 0;)
        total += static_cast<size_t>(n);
    }
    for (ssize_t n; (n = read(pipe.read.get(), buffer, sizeof buffer)) > 0;) total += static_cast<size_t>(n);
    return total;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a copy passes bytes on at once") {
  copy.write("hello");
  char buffer[16];
  CHECK(read(pipe.read.get(), buffer, sizeof buffer) == 5);
}

TEST_CASE_FIXTURE(Fixture, "what the pipe does not hold waits, and comes in full when the reader reads") {
  std::string block(200000, 'x');
  for (int i = 0; i < 4; i++) copy.write(block);
  CHECK(given_up == 0);
  copy.finish();
  CHECK_FALSE(copy.closed());
  CHECK(read_to_end() == 4 * block.size());
  CHECK(copy.closed());
}

TEST_CASE_FIXTURE(Fixture, "a reader that does not read is given up once, and later bytes go nowhere") {
  std::string block(OutputCopy::kMaxWaiting / 2, 'x');
  for (int i = 0; i < 6; i++) copy.write(block);
  CHECK(given_up == 1);
  CHECK(copy.closed());
}

TEST_CASE_FIXTURE(Fixture, "a reader that goes is noticed without a write") {
  pipe.read.reset();
  loop.after(milliseconds(20), [this] { loop.stop(); });
  REQUIRE(loop.run().ok());
  CHECK(copy.closed());
  CHECK(given_up == 0);
}

TEST_CASE_FIXTURE(Fixture, "the end comes at once when nothing waits") {
  copy.write("last");
  copy.finish();
  CHECK(copy.closed());
  char buffer[16];
  CHECK(read(pipe.read.get(), buffer, sizeof buffer) == 4);
  CHECK(read(pipe.read.get(), buffer, sizeof buffer) == 0);
}
