#include "core/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace lichen;

TEST_CASE("an Fd closes what it owns, once") {
  int number = -1;
  {
    auto pipe = make_pipe();
    REQUIRE(pipe.ok());
    number = pipe->read.get();
    Fd moved = std::move(pipe->read);
    CHECK(moved.get() == number);
    CHECK(!pipe->read);
  }
  CHECK(fcntl(number, F_GETFD) == -1);
}

TEST_CASE("a missing file is named in the error") {
  auto text = read_file("/nonexistent/lichen");
  REQUIRE(!text.ok());
  CHECK(text.error().text() == "open \"/nonexistent/lichen\": No such file or directory (ENOENT)");
}
