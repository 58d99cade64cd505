#include "monitor/scratch.h"

#include <doctest/doctest.h>

#include <cstring>

#include "this_process.h"

using namespace lichen::monitor;

TEST_CASE("two blocks side by side, which go back to the kernel and come again empty") {
  auto scratch = Scratch::create();
  REQUIRE(scratch.ok());
  memset(scratch->input(), 'i', Scratch::kInput);
  memset(scratch->output(), 'o', Scratch::kOutput);
  CHECK(scratch->input()[Scratch::kInput - 1] == 'i');
  CHECK(scratch->output()[0] == 'o');
  long used = status_kib("RssAnon");
  scratch->release();
  CHECK(status_kib("RssAnon") <= used - 400);
  CHECK(scratch->input()[0] == 0);
  CHECK(scratch->output()[Scratch::kOutput - 1] == 0);
  scratch->output()[7] = 'x';
  CHECK(scratch->output()[7] == 'x');
}
