#include "core/layer_directories.h"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <string>
#include <vector>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

Attributes mode(mode_t mode) {
  Attributes made;
  made.mode = mode;
  return made;
}

std::vector<std::string> list(DirectoryAttributes& directories) {
  std::vector<std::string> found;
  Status done = directories.each([&](const std::string& path, const Attributes& attributes) -> Status {
    found.push_back(path + " " + std::to_string(attributes.mode));
    return {};
  });
  REQUIRE(done.ok());
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("directories come back in their order, twice when noted twice") {
  ScratchDirectory scratch;
  auto place = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(place.ok());
  DirectoryAttributes directories(place.value());
  CHECK(list(directories).empty());
  for (const char* path : {"b", "a", "a/c", "b"})
    REQUIRE(directories.note(path, mode(path[0] == 'a' ? 1 : 2)).ok());
  CHECK(list(directories) == Names{"b 2", "a 1", "a/c 1", "b 2"});
  CHECK(directories.retained() == 0);
}

TEST_CASE("what was removed is void with all that was in it, until it is noted again") {
  ScratchDirectory scratch;
  auto place = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(place.ok());
  DirectoryAttributes directories(place.value());
  for (const char* path : {"a", "a/b", "a/b/c", "ab", "d"}) REQUIRE(directories.note(path, mode(1)).ok());
  directories.removed("a/b");
  directories.removed("d");
  CHECK(list(directories) == Names{"a 1", "ab 1"});
  REQUIRE(directories.note("a/b", mode(2)).ok());
  CHECK(list(directories) == Names{"a 1", "ab 1", "a/b 2"});
  directories.removed("a");
  CHECK(list(directories) == Names{"ab 1"});
  CHECK(directories.retained() > 0);
}

TEST_CASE("many directories go to a file without a name") {
  ScratchDirectory scratch;
  auto place = open_at({}, scratch.path(), O_RDONLY | O_DIRECTORY);
  REQUIRE(place.ok());
  DirectoryAttributes directories(place.value());
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; i++)
    REQUIRE(directories.note("directory/" + std::to_string(i), mode(static_cast<mode_t>(i % 8))).ok());
  directories.removed("directory/17");
  auto names = list_names(place.value());
  REQUIRE(names.ok());
  CHECK(names->empty());
  int seen = 0;
  auto count = [&](const std::string& path, const Attributes& attributes) -> Status {
    int number = std::stoi(path.substr(10));
    CHECK(attributes.mode == static_cast<mode_t>(number % 8));
    CHECK(number != 17);
    seen++;
    return {};
  };
  REQUIRE(directories.each(count).ok());
  CHECK(seen == kCount - 1);
  // A second time gives the same.
  REQUIRE(directories.each(count).ok());
  CHECK(seen == 2 * (kCount - 1));
}
