#include "core/layer_batch.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>

#include "../../test/native/scratch_directory.h"
#include "core/layer_record.h"

using namespace lichen;

namespace {

// Records as JavaScript writes them.
struct Records {
  std::string bytes;

  Records& kind(LayerRecord kind) {
    bytes.push_back(static_cast<char>(kind));
    return *this;
  }
  Records& text(const std::string& text) {
    put_bytes(bytes, text);
    return *this;
  }
  Records& attributes(mode_t mode) {
    Attributes made;
    made.mode = mode;
    made.modified = {1000, 5};
    put_attributes(bytes, made);
    return *this;
  }
  Records& content(uint32_t memory, uint32_t offset, uint32_t size) {
    kind(LayerRecord::kContent);
    put_number(bytes, memory);
    put_number(bytes, offset);
    put_number(bytes, size);
    return *this;
  }
  Records& hole(double size) {
    kind(LayerRecord::kHole);
    put_number(bytes, size);
    return *this;
  }
};

Memory memory(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

Status write(LayerWriter& writer, const Records& records, const std::vector<Memory>& memories = {}) {
  return write_batch(writer, reinterpret_cast<const uint8_t*>(records.bytes.data()), records.bytes.size(),
                     memories);
}

}  // namespace

TEST_CASE("a batch holds entries of every kind, and its contents in turn") {
  ScratchDirectory scratch;
  auto writer = LayerWriter::open(scratch.directory("layer"), true);
  REQUIRE(writer.ok());
  Records records;
  records.kind(LayerRecord::kDirectory).text("d").attributes(0750);
  records.kind(LayerRecord::kFile).text("d/f").attributes(0640);
  records.content(0, 1, 3).content(0, 8, 0).hole(3).content(1, 0, 3);
  records.kind(LayerRecord::kEndFile);
  records.kind(LayerRecord::kSymlink).text("s").text("d/f").attributes(0777);
  records.kind(LayerRecord::kFifo).text("p").attributes(0600);
  records.kind(LayerRecord::kHardLink).text("h").text("d/f");
  records.kind(LayerRecord::kWhiteout).text("w");
  records.kind(LayerRecord::kOpaque).text("d");
  std::string first = "-one----";
  std::string second = "two";
  REQUIRE(write(*writer.operator->(), records, {memory(first), memory(second)}).ok());
  auto summary = writer->finish();
  REQUIRE(summary.ok());
  CHECK(summary->bytes == 6);
  CHECK(summary->whiteouts == std::vector<std::string>{"w"});
  CHECK(summary->opaque == std::vector<std::string>{"d"});
  CHECK(scratch.read("layer/h") == std::string("one\0\0\0two", 9));
  CHECK((scratch.look("layer/d").st_mode & 07777) == 0750);
  CHECK(S_ISFIFO(scratch.look("layer/p").st_mode));
  CHECK(S_ISLNK(scratch.look("layer/s").st_mode));
}

TEST_CASE("a batch ends at the first entry that fails") {
  ScratchDirectory scratch;
  auto writer = LayerWriter::open(scratch.directory("layer"), true);
  REQUIRE(writer.ok());
  Records records;
  records.kind(LayerRecord::kSymlink).text("out").text("..").attributes(0777);
  records.kind(LayerRecord::kFile).text("out/x").attributes(0644).kind(LayerRecord::kEndFile);
  records.kind(LayerRecord::kFifo).text("after").attributes(0600);
  Status written = write(*writer.operator->(), records);
  REQUIRE(!written.ok());
  CHECK(written.error().code == "PATH_THROUGH_SYMLINK");
  CHECK(written.error().object == "\"out/x\"");
  CHECK(scratch.look("layer/after").st_mode == 0);
  CHECK(scratch.look("x").st_mode == 0);
}

TEST_CASE("records that are not whole, and contents outside of the memories, are malformed") {
  ScratchDirectory scratch;
  auto writer = LayerWriter::open(scratch.directory("layer"), true);
  REQUIRE(writer.ok());
  Records file;
  file.kind(LayerRecord::kFile).text("f").attributes(0644);
  REQUIRE(write(*writer.operator->(), file).ok());
  std::string text = "text";
  for (const Records& beyond : {Records().content(1, 0, 1), Records().content(0, 0, 5),
                                Records().content(0, 5, 0), Records().content(0, 2, 0xffffffff)})
    CHECK(write(*writer.operator->(), beyond, {memory(text)}).error().code == "MALFORMED_RECORD");
  for (double size : {-1.0, 1e300}) {
    Records hole;
    hole.hole(size);
    CHECK(write(*writer.operator->(), hole).error().code == "MALFORMED_RECORD");
  }
  Records unknown;
  unknown.kind(static_cast<LayerRecord>(99));
  CHECK(write(*writer.operator->(), unknown).error().code == "MALFORMED_RECORD");
  Records cut;
  cut.kind(LayerRecord::kDirectory).text("d").attributes(0755);
  for (size_t size = 1; size < cut.bytes.size(); size++) {
    Records part{cut.bytes.substr(0, size)};
    CHECK(write(*writer.operator->(), part).error().code == "MALFORMED_RECORD");
  }
  CHECK(scratch.look("layer/d").st_mode == 0);
}

TEST_CASE("attributes survive being a record") {
  Attributes made;
  made.mode = 04755;
  made.uid = 4294967294;
  made.gid = 7;
  made.modified = {-5, 999999999};
  made.xattrs = {{"user.a", std::string("\0\xff", 2)}, {"user.b", ""}};
  std::string record;
  put_attributes(record, made);
  RecordReader reader(reinterpret_cast<const uint8_t*>(record.data()), record.size());
  Attributes read = reader.attributes();
  CHECK(reader.ok());
  CHECK(reader.done());
  CHECK(read.mode == made.mode);
  CHECK(read.uid == made.uid);
  CHECK(read.gid == made.gid);
  CHECK(read.modified.tv_sec == -5);
  CHECK(read.modified.tv_nsec == 999999999);
  REQUIRE(read.xattrs.size() == 2);
  CHECK(read.xattrs[0].value == made.xattrs[0].value);
  // A length that promises more than there is.
  std::string lie;
  put_number(lie, static_cast<uint32_t>(0xffffffff));
  RecordReader liar(reinterpret_cast<const uint8_t*>(lie.data()), lie.size());
  CHECK(liar.bytes().empty());
  CHECK(!liar.ok());
}
