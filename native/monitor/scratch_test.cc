#include "monitor/scratch.h"

#include <doctest/doctest.h>

#include <cstring>
#include <fstream>
#include <string>

using namespace lichen::monitor;

namespace {

// KiB of anonymous memory of this process (RssAnon, proc_pid_status(5)).
long anonymous() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kib = -1;
  while (status >> word)
    if (word == "RssAnon:") status >> kib;
  return kib;
}

}  // namespace

TEST_CASE("two blocks side by side, which go back to the kernel and come again empty") {
  auto scratch = Scratch::create();
  REQUIRE(scratch.ok());
  memset(scratch->input(), 'i', Scratch::kInput);
  memset(scratch->output(), 'o', Scratch::kOutput);
  CHECK(scratch->input()[Scratch::kInput - 1] == 'i');
  CHECK(scratch->output()[0] == 'o');
  long used = anonymous();
  scratch->release();
  CHECK(anonymous() <= used - 400);
  CHECK(scratch->input()[0] == 0);
  CHECK(scratch->output()[Scratch::kOutput - 1] == 0);
  scratch->output()[7] = 'x';
  CHECK(scratch->output()[7] == 'x');
}
