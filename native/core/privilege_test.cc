#include "core/privilege.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

bool holds(const std::vector<RefusedPrivilege>& refused, const std::string& what) {
  return std::any_of(refused.begin(), refused.end(), [&](const auto& one) { return one.what == what; });
}

}  // namespace

TEST_CASE(
    "who is not root of the machine is refused what would change all of it, and the trials leave nothing") {
  ScratchDirectory directory;
  auto scratch = open_at({}, directory.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(scratch);
  auto refused = refused_privileges(scratch.value());
  for (const char* what : {"device nodes (mknod)", "sysctls of the whole machine", "the clock"})
    CHECK_MESSAGE(holds(refused, what), what);
  for (const auto& one : refused) {
    bool known = one.code == "EPERM" || one.code == "EACCES";
    CHECK_MESSAGE(known, one.what);
  }
  CHECK(list_names(scratch.value()).value().empty());
}
