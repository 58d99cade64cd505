#include "service/idle_memory.h"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

using namespace lichen;

namespace {

// KiB of this process's mapped pages that come from files (VmRSS's RssFile, proc_pid_status(5)).
long file_pages() {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kib = -1;
  while (status >> word)
    if (word == "RssFile:") status >> kib;
  return kib;
}

const char kConstants[] = "a constant in the program's read-only pages";

}  // namespace

TEST_CASE("pages of the program go, and come back with the same content when they are needed") {
  std::vector<std::string> heap(1000, std::string(100, 'h'));
  long before = file_pages();
  REQUIRE(before > 0);
  give_memory_back();
  CHECK(file_pages() < before);
  CHECK(strcmp(kConstants, "a constant in the program's read-only pages") == 0);
  for (const std::string& text : heap) CHECK(text == std::string(100, 'h'));
}
