#include "core/layer_writer.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "../../test/native/scratch_directory.h"

using namespace lichen;

namespace {

Attributes attributes(mode_t mode, time_t seconds = 1000, long nanoseconds = 0) {
  Attributes made;
  made.mode = mode;
  made.modified = {seconds, nanoseconds};
  return made;
}

// A writer on a scratch directory's "layer", as a single owner: it works without any privilege.
struct Layer {
  Layer() : writer(open()) {}
  LayerWriter open() {
    scratch.directory("layer");
    auto opened = LayerWriter::open(scratch.path("layer"), true);
    REQUIRE(opened.ok());
    return std::move(opened).value();
  }
  Status file(const std::string& path, const std::string& content, mode_t mode = 0644) {
    LICHEN_TRY(writer.begin_file(path, attributes(mode)));
    LICHEN_TRY(writer.append(content.data(), content.size()));
    return writer.end_file();
  }
  struct stat look(const std::string& path) const {
    return scratch.look("layer/" + path);
  }
  std::string read(const std::string& path) const { return scratch.read("layer/" + path); }
  std::string target(const std::string& path) const {
    char text[256];
    ssize_t length = readlink(scratch.path("layer/" + path).c_str(), text, sizeof text);
    return length < 0 ? "" : std::string(text, static_cast<size_t>(length));
  }

  ScratchDirectory scratch;
  LayerWriter writer;
};

}  // namespace

TEST_CASE("entries get content, mode and time to the nanosecond") {
  Layer layer;
  REQUIRE(layer.writer.directory("bin", attributes(01775, 5, 7)).ok());
  REQUIRE(layer.writer.begin_file("bin/tool", attributes(04755, 1234567890, 123456789)).ok());
  REQUIRE(layer.writer.append("he", 2).ok());
  REQUIRE(layer.writer.append("llo", 3).ok());
  REQUIRE(layer.writer.end_file().ok());
  REQUIRE(layer.writer.symlink("bin/link", "../../anywhere", attributes(0777, 42)).ok());
  REQUIRE(layer.writer.fifo("pipe", attributes(0620)).ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  CHECK(summary->bytes == 5);
  CHECK(summary->inodes == 4);
  CHECK(summary->implied == std::vector<std::string>{""});
  CHECK(layer.read("bin/tool") == "hello");
  struct stat tool = layer.look("bin/tool");
  CHECK((tool.st_mode & 07777) == 04755);
  CHECK(tool.st_mtim.tv_sec == 1234567890);
  CHECK(tool.st_mtim.tv_nsec == 123456789);
  // Set last: making the files in it has not touched it.
  struct stat bin = layer.look("bin");
  CHECK((bin.st_mode & 07777) == 01775);
  CHECK(bin.st_mtim.tv_sec == 5);
  CHECK(bin.st_mtim.tv_nsec == 7);
  CHECK(layer.target("bin/link") == "../../anywhere");
  CHECK(layer.look("bin/link").st_mtim.tv_sec == 42);
  CHECK(S_ISFIFO(layer.look("pipe").st_mode));
  CHECK((layer.look("pipe").st_mode & 07777) == 0620);
  CHECK((layer.look("").st_mode & 07777) == 0755);
}

TEST_CASE("a directory that nobody may enter can still be filled") {
  Layer layer;
  REQUIRE(layer.writer.directory("locked", attributes(0)).ok());
  REQUIRE(layer.file("locked/file", "x").ok());
  REQUIRE(layer.writer.finish().ok());
  CHECK((layer.look("locked").st_mode & 07777) == 0);
  REQUIRE(chmod(layer.scratch.path("layer/locked").c_str(), 0700) == 0);
  CHECK(layer.read("locked/file") == "x");
}

TEST_CASE("missing parents are made, and named as implied") {
  Layer layer;
  REQUIRE(layer.file("a/b/c/file", "x").ok());
  REQUIRE(layer.writer.directory("a/b", attributes(0700)).ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  CHECK(summary->implied == std::vector<std::string>{"", "a", "a/b/c"});
  CHECK((layer.look("a/b").st_mode & 0777) == 0700);
  CHECK((layer.look("a/b/c").st_mode & 0777) == 0755);
}

TEST_CASE("a later entry replaces an earlier one, whatever both are") {
  Layer layer;
  REQUIRE(layer.file("thing", "old").ok());
  REQUIRE(layer.file("thing", "new").ok());
  REQUIRE(layer.file("tree/deep/file", "x").ok());
  REQUIRE(layer.writer.directory("tree/deep/set", attributes(0700)).ok());
  REQUIRE(layer.file("tree", "now a file").ok());
  REQUIRE(layer.writer.symlink("turned", "elsewhere", attributes(0777)).ok());
  REQUIRE(layer.writer.directory("turned", attributes(0755)).ok());
  REQUIRE(layer.file("turned/inside", "y").ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  CHECK(summary->implied == std::vector<std::string>{""});
  CHECK(layer.read("thing") == "new");
  CHECK(layer.read("tree") == "now a file");
  CHECK(layer.read("turned/inside") == "y");
}

TEST_CASE("nothing is written through a symbolic link of the layer") {
  Layer layer;
  REQUIRE(layer.writer.symlink("up", "..", attributes(0777)).ok());
  REQUIRE(layer.writer.symlink("root", "/", attributes(0777)).ok());
  for (const char* path : {"up/escaped", "root/tmp/escaped", "up/a/b"}) {
    CHECK(layer.file(path, "x").error().code == "PATH_THROUGH_SYMLINK");
    CHECK(layer.writer.hard_link("link", path).error().code == "PATH_THROUGH_SYMLINK");
    CHECK(layer.writer.whiteout(path).error().code == "PATH_THROUGH_SYMLINK");
  }
  CHECK(layer.scratch.look("escaped").st_mode == 0);
  // A file over a link replaces the link, not what it leads to.
  layer.scratch.file("outside", "kept");
  REQUIRE(layer.writer.symlink("out", "../outside", attributes(0777)).ok());
  REQUIRE(layer.file("out", "mine").ok());
  CHECK(layer.scratch.read("outside") == "kept");
  CHECK(layer.read("out") == "mine");
}

TEST_CASE("paths that leave, and paths through files, are refused") {
  Layer layer;
  CHECK(!layer.file("../escaped", "x").ok());
  CHECK(!layer.file("/tmp/lichen-escaped", "x").ok());
  CHECK(layer.scratch.look("escaped").st_mode == 0);
  REQUIRE(layer.file("file", "x").ok());
  CHECK(layer.file("file/below", "x").error().code == "PATH_THROUGH_FILE");
  CHECK(layer.file(std::string(300, 'n'), "x").error().code == "ENAMETOOLONG");
}

TEST_CASE("hard links come in any order") {
  Layer layer;
  REQUIRE(layer.writer.hard_link("chain", "early").ok());
  REQUIRE(layer.writer.hard_link("early", "later/file").ok());
  REQUIRE(layer.file("later/file", "x").ok());
  REQUIRE(layer.writer.hard_link("after", "later/file").ok());
  REQUIRE(layer.writer.hard_link("after", "later/file").ok());
  REQUIRE(layer.writer.hard_link("later/file", "later/file").ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  struct stat file = layer.look("later/file");
  CHECK(file.st_nlink == 4);
  CHECK(layer.look("chain").st_ino == file.st_ino);
  CHECK(layer.look("early").st_ino == file.st_ino);
  CHECK(layer.look("after").st_ino == file.st_ino);
}

TEST_CASE("a hard link to nothing is refused at the end, by name") {
  Layer layer;
  REQUIRE(layer.writer.hard_link("a", "b").ok());
  REQUIRE(layer.writer.hard_link("b", "a").ok());
  auto summary = layer.writer.finish();
  REQUIRE(!summary.ok());
  CHECK(summary.error().code == "HARD_LINK_WITHOUT_TARGET");
  CHECK(summary.error().object == "\"a\"");
}

TEST_CASE("extended attributes are set where the file system takes them, and counted where not") {
  Layer layer;
  Attributes with = attributes(0644);
  with.xattrs = {{"user.note", std::string("a\0b", 3)}, {"trusted.note", "refused"}};
  REQUIRE(layer.writer.begin_file("file", with).ok());
  REQUIRE(layer.writer.end_file().ok());
  REQUIRE(layer.writer.symlink("link", "file", with).ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  char value[8] = {};
  ssize_t length = getxattr(layer.scratch.path("layer/file").c_str(), "user.note", value, sizeof value);
  uint64_t on_file = 1;  // trusted.* needs a capability on the host
  if (length < 0) {
    MESSAGE("the file system of /tmp has no user attributes");
    on_file = 2;
  } else {
    CHECK(std::string(value, static_cast<size_t>(length)) == std::string("a\0b", 3));
  }
  if (getuid() != 0) CHECK(summary->refused_xattrs == on_file + 2);
}

TEST_CASE("owners outside the map are refused by name") {
  if (getuid() == 0) return;
  ScratchDirectory scratch;
  auto writer = LayerWriter::open(scratch.path(), false);
  REQUIRE(writer.ok());
  Attributes foreign = attributes(0644);
  foreign.uid = 12345;
  REQUIRE(writer->begin_file("file", foreign).ok());
  auto ended = writer->end_file();
  REQUIRE(!ended.ok());
  // Outside a user namespace every id exists, and it is the privilege that lacks.
  CHECK(ended.error().object == "\"file\" to 12345:0");
  CHECK((ended.error().code == "EPERM" || ended.error().code == "ID_OUTSIDE_MAP"));
}

TEST_CASE("whiteouts and opaque directories are left to settle_layer, their parents made") {
  Layer layer;
  REQUIRE(layer.writer.whiteout("a/gone").ok());
  REQUIRE(layer.writer.opaque("b").ok());
  auto summary = layer.writer.finish();
  REQUIRE(summary.ok());
  CHECK(summary->whiteouts == std::vector<std::string>{"a/gone"});
  CHECK(summary->opaque == std::vector<std::string>{"b"});
  CHECK(summary->implied == std::vector<std::string>{"", "a", "b"});
  CHECK(layer.look("a/gone").st_mode == 0);
}
