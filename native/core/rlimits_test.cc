#include "core/rlimits.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace lichen;

TEST_CASE("a limit is found by name") {
  auto limit = make_rlimit("RLIMIT_NOFILE", 1024, UINT64_MAX);
  REQUIRE(limit.ok());
  CHECK(limit->resource == RLIMIT_NOFILE);
  CHECK(limit->hard == RLIM_INFINITY);
}

TEST_CASE("unknown names and a soft limit above the hard one are refused") {
  CHECK(make_rlimit("NOFILE", 1, 1).error().code == "UNKNOWN_RLIMIT");
  CHECK(make_rlimit("RLIMIT_CORE", 2, 1).error().code == "INVALID_RLIMIT");
}

TEST_CASE("a limit takes effect, and one above the hard limit is refused by name") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_CORE, &before) == 0);
  rlimit small{0, before.rlim_max};
  CHECK(apply_rlimits({*make_rlimit("RLIMIT_CORE", 0, before.rlim_max).operator->()}).ok());
  rlimit now{};
  REQUIRE(getrlimit(RLIMIT_CORE, &now) == 0);
  CHECK(now.rlim_cur == small.rlim_cur);
  REQUIRE(setrlimit(RLIMIT_CORE, &before) == 0);
}
