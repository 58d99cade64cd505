#include "launcher/check.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

TEST_CASE("kernel releases are compared by number") {
  CHECK(kernel_at_least("5.14.0-427.el9", 5, 14));
  CHECK(kernel_at_least("6.1-rc3", 5, 14));
  CHECK(kernel_at_least("5.14-rc1", 5, 14));
  CHECK(!kernel_at_least("5.4.0", 5, 14));
  CHECK(!kernel_at_least("4.19.0", 5, 14));
  CHECK(!kernel_at_least("unknown", 5, 14));
}
