#include "core/idle_memory.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "this_process.h"

using namespace lichen;

namespace {

const char kConstants[] = "a constant in the program's read-only pages";

}  // namespace

TEST_CASE("pages of the program go, and come back with the same content when they are needed") {
  std::vector<std::string> heap(1000, std::string(100, 'h'));
  long before = status_kib("RssFile");
  REQUIRE(before > 0);
  give_memory_back();
  CHECK(status_kib("RssFile") < before);
  CHECK(strcmp(kConstants, "a constant in the program's read-only pages") == 0);
  for (const std::string& text : heap) CHECK(text == std::string(100, 'h'));
}
