#include "core/capabilities.h"

#include <doctest/doctest.h>
#include <linux/capability.h>

using namespace lichen;

TEST_CASE("names become bits") {
  auto set = parse_capabilities({"CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE"});
  REQUIRE(set.ok());
  CHECK(set.value() == (1ull << CAP_CHOWN | 1ull << CAP_SYS_ADMIN | 1ull << CAP_CHECKPOINT_RESTORE));
  CHECK(parse_capabilities({}).value() == 0);
}

TEST_CASE("an unknown name is refused") {
  auto set = parse_capabilities({"CAP_CHOWN", "chown"});
  REQUIRE(!set.ok());
  CHECK(set.error().text() == "read capabilities \"chown\": no such capability (UNKNOWN_CAPABILITY)");
}

TEST_CASE("the kernel's capabilities include the first and a run without gaps") {
  CapabilitySet all = all_capabilities();
  CHECK((all & 1) == 1);
  CHECK((all & (all + 1)) == 0);
}
