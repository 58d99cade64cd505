#include "launcher/backoff.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

TEST_CASE("delays double up to ten seconds and begin again after a long run") {
  Backoff backoff;
  CHECK(backoff.next_ms(0) == 100);
  CHECK(backoff.next_ms(9999) == 200);
  CHECK(backoff.next_ms(0) == 400);
  for (int i = 0; i < 20; i++) CHECK(backoff.next_ms(0) <= 10000);
  CHECK(backoff.next_ms(0) == 10000);
  CHECK(backoff.next_ms(10001) == 100);
  CHECK(backoff.next_ms(0) == 200);
}
