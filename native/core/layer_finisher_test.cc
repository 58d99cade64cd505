#include "core/layer_finisher.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "../../test/native/scratch_directory.h"
#include "core/layer_writer.h"

using namespace lichen;

namespace {

Memory piece(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

Fd made(const ScratchDirectory& scratch, const std::string& name, int flags = O_WRONLY) {
  return Fd(open(scratch.path(name).c_str(), flags | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
}

Attributes plain(time_t seconds) {
  Attributes attributes;
  attributes.mode = 0644;
  attributes.modified = {seconds, 7};
  return attributes;
}

struct stat stat_of(const std::string& path) {
  struct stat found {};
  REQUIRE(lstat(path.c_str(), &found) == 0);
  return found;
}

}  // namespace

TEST_CASE("any number of files get their content and times, whether or not the thread is worth waking") {
  for (int count : {0, 1, 15, 16, 17, 200, 1000}) {
    ScratchDirectory scratch;
    LayerFinisher finisher({.single_owner = true, .umask = 022});
    std::string one = "first ";
    std::string two = "second";
    for (int i = 0; i < count; i++)
      REQUIRE(finisher.take(made(scratch, std::to_string(i)), std::to_string(i), plain(1000 + i),
                            {piece(one), piece(two)}));
    REQUIRE(finisher.drain());
    for (int i = 0; i < count; i++) {
      struct stat found = stat_of(scratch.path(std::to_string(i)));
      CHECK(found.st_size == 12);
      CHECK(found.st_mtim.tv_sec == 1000 + i);
      CHECK(found.st_mtim.tv_nsec == 7);
    }
    CHECK(finisher.refused() == 0);
    // And again, after the thread has slept.
    REQUIRE(finisher.take(made(scratch, "again"), "again", plain(5), {piece(two)}));
    REQUIRE(finisher.drain());
    CHECK(stat_of(scratch.path("again")).st_size == 6);
  }
}

TEST_CASE("the first that fails is told, at the next file or at the end") {
  for (int before : {0, 3, 40}) {
    ScratchDirectory scratch;
    LayerFinisher finisher({.single_owner = true, .umask = 022});
    std::string text = "text";
    for (int i = 0; i < before; i++)
      REQUIRE(finisher.take(made(scratch, std::to_string(i)), "good", plain(1), {piece(text)}));
    REQUIRE(finisher.take(made(scratch, "bad", O_RDONLY), "the/bad", plain(1), {piece(text)}));
    bool told = false;
    for (int i = 0; i < 100 && !told; i++)
      told = !finisher.take(made(scratch, "later" + std::to_string(i)), "later", plain(1), {piece(text)});
    Status drained = finisher.drain();
    REQUIRE(!drained);
    CHECK(drained.error().code == "EBADF");
    CHECK(drained.error().object == "\"the/bad\"");
  }
}

TEST_CASE("one that is dropped with files waiting ends, and closes them") {
  ScratchDirectory scratch;
  std::string text = "text";
  LayerFinisher finisher({.single_owner = true, .umask = 022});
  for (int i = 0; i < 40; i++)
    REQUIRE(finisher.take(made(scratch, std::to_string(i)), "file", plain(1), {piece(text)}));
}

TEST_CASE("names may change while contents are still written") {
  ScratchDirectory scratch;
  auto writer = LayerWriter::open(scratch.path(), true);
  REQUIRE(writer);
  std::string old = "old content";
  std::string fresh = "new";
  for (int i = 0; i < 100; i++) {
    std::string name = "d/" + std::to_string(i);
    REQUIRE(writer->file(name, plain(10), {piece(old)}));
    REQUIRE(writer->hard_link("link" + std::to_string(i), name));
    if (i % 2 == 0) REQUIRE(writer->file(name, plain(20), {piece(fresh)}));
    if (i % 2 == 1) REQUIRE(writer->directory(name, plain(30)));
  }
  REQUIRE(writer->drain());
  auto summary = writer->finish();
  REQUIRE(summary);
  for (int i = 0; i < 100; i++) {
    struct stat link = stat_of(scratch.path("link" + std::to_string(i)));
    CHECK(link.st_size == 11);
    CHECK(link.st_mtim.tv_sec == 10);
    struct stat found = stat_of(scratch.path("d/" + std::to_string(i)));
    if (i % 2 == 0) CHECK(found.st_size == 3);
    if (i % 2 == 1) CHECK(S_ISDIR(found.st_mode));
  }
  CHECK(summary->bytes == 100 * 11 + 50 * 3);
}
