#include "core/apparmor.h"

#include <doctest/doctest.h>
#include <unistd.h>

using namespace lichen;

TEST_CASE(
    "a profile that nobody has loaded: asking for it by name fails, and where it is optional nothing "
    "happens") {
  auto named = request_apparmor("lichen-test-never-loaded");
  REQUIRE(!named);
  CHECK(named.error().code == "PROFILE_NOT_LOADED");
  CHECK(named.error().object == "\"lichen-test-never-loaded\"");
  CHECK(request_apparmor_if_loaded("lichen-test-never-loaded"));
  auto loaded = is_apparmor_profile_loaded("lichen-test-never-loaded");
  REQUIRE(loaded);
  CHECK(!loaded.value());
}

TEST_CASE("a process that is not confined by a profile") {
  CHECK(!is_confined_by(getpid(), "lichen-test-never-loaded"));
  CHECK(!is_confined_by(getpid(), ""));
  CHECK(!is_confined_by(0, "lichen-test-never-loaded"));
}
