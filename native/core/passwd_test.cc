#include "core/passwd.h"

#include <doctest/doctest.h>

using namespace lichen;

TEST_CASE("home directories by uid") {
  const char* text =
      "root:x:0:0:root:/root:/bin/sh\nbroken\nweb:x:101:101::/srv/web:/bin/false\nodd:x:5:5::relative:\n";
  CHECK(home_directory(text, 0) == "/root");
  CHECK(home_directory(text, 101) == "/srv/web");
  CHECK(home_directory(text, 7) == "/");
  CHECK(home_directory(text, 5) == "/");
  CHECK(home_directory("", 0) == "/");
}
