#include "ports/pipe_pool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "this_process.h"

using namespace lichen;
using namespace lichen::ports;

TEST_CASE("a pipe that was given back is taken again; it never waits") {
  PipePool pool;
  Pipe pipe = std::move(pool.take()).value();
  int number = pipe.read.get();
  for (const Fd* end : {&pipe.read, &pipe.write}) {
    CHECK((fcntl(end->get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(end->get(), F_GETFD) & FD_CLOEXEC) != 0);
  }
  pool.give_back(std::move(pipe));
  CHECK(pool.take()->read.get() == number);
}

TEST_CASE("of many that come back some are kept, and none after draining") {
  long before = open_descriptors();
  PipePool pool;
  std::vector<Pipe> many;
  for (int i = 0; i < 50; i++) many.push_back(std::move(pool.take()).value());
  CHECK(open_descriptors() == before + 100);
  for (Pipe& pipe : many) pool.give_back(std::move(pipe));
  many.clear();
  long kept = open_descriptors() - before;
  CHECK(kept > 0);
  CHECK(kept < 50);
  pool.drain();
  CHECK(open_descriptors() == before);
}
