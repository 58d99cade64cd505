#include "monitor/log_file.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "../../test/native/scratch_directory.h"

using namespace lichen;
using namespace lichen::monitor;

namespace {

struct TemporaryFile {
  std::string path = scratch_pattern("lichen-log-XXXXXX");
  TemporaryFile() { Fd(mkstemp(path.data())); }
  ~TemporaryFile() {
    unlink(path.c_str());
    unlink((path + ".1").c_str());
  }
};

// A file size limit stands for a full disk.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &before_) == 0);
    handler_ = signal(SIGXFSZ, SIG_IGN);
    rlimit small{bytes, before_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~SizeLimit() { lift(); }
  SizeLimit(const SizeLimit&) = delete;
  SizeLimit& operator=(const SizeLimit&) = delete;
  void lift() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = SIG_DFL;
};

}  // namespace

TEST_CASE("entries are appended; after a rename reopen goes on in a new file") {
  TemporaryFile file;
  auto log = LogFile::open(file.path, {}, [](const Error&, uint64_t) { FAIL("no error expected"); });
  REQUIRE(log.ok());
  log->append("one\n");
  REQUIRE(rename(file.path.c_str(), (file.path + ".1").c_str()) == 0);
  log->append("two\n");
  REQUIRE(log->reopen().ok());
  log->append("three\n");
  CHECK(read_file(file.path + ".1").value() == "one\ntwo\n");
  CHECK(read_file(file.path).value() == "three\n");
}

TEST_CASE("no path throws output away") {
  auto log = LogFile::open("", {}, [](const Error&, uint64_t) { FAIL("no error expected"); });
  REQUIRE(log.ok());
  log->append("gone\n");
  CHECK(log->reopen().ok());
}

TEST_CASE("what cannot be opened is an error that names the file") {
  auto log = LogFile::open("/nonexistent/x.log", {}, {});
  REQUIRE(!log.ok());
  CHECK(log.error().text() ==
        "container log: open \"/nonexistent/x.log\": No such file or directory (ENOENT)");
}

TEST_CASE("what finds no room is counted, marked when there is room again, and no entry is torn") {
  TemporaryFile file;
  uint64_t lost = 0;
  std::string cause;
  auto log = LogFile::open(file.path, {}, [&](const Error& error, uint64_t entries) {
    cause = error.code;
    lost = entries;
  });
  REQUIRE(log.ok());
  {
    SizeLimit full(10);
    log->append("first\nsecond\nthird\n");
    CHECK(log->lost() == 1);
    log->append("fourth\n");
    CHECK(log->lost() == 2);
  }
  CHECK(cause == "EFBIG");
  log->append("fifth\n");
  CHECK(lost == 2);
  std::string text = read_file(file.path).value();
  CHECK(text.starts_with("first\nsecond\n2"));
  CHECK(text.ends_with(" stderr F lichen: 2 log entries are missing here: File too large (EFBIG)\nfifth\n"));
  log->append("sixth\n");
  CHECK(read_file(file.path).value() == text + "sixth\n");
  CHECK(log->lost() == 2);
}

TEST_CASE(
    "a container that ends with a full disk has told what its log lacks, also when the marker had no room") {
  TemporaryFile file;
  uint64_t lost = 0;
  auto log = LogFile::open(file.path, {}, [&](const Error&, uint64_t entries) { lost = entries; });
  REQUIRE(log.ok());
  {
    SizeLimit full(6);
    for (int i = 0; i < 5; i++) log->append("first\n");
    log->finish();
  }
  CHECK(lost == 4);
  CHECK(read_file(file.path).value() == "first\n");
  {
    // Room for half of the marker.
    SizeLimit full(40);
    log->append("second\n");
    CHECK(log->lost() == 5);
  }
  log->append("third\n");
  std::string text = read_file(file.path).value();
  CHECK(text.find("lichen: 4 log entries are missing here") != std::string::npos);
  CHECK(text.find("lichen: 1 log entries are missing here") != std::string::npos);
  CHECK(text.ends_with("\nthird\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
}

TEST_CASE("half an entry is completed in the file where it began, or counts as lost") {
  for (bool room : {true, false}) {
    TemporaryFile file;
    auto log = LogFile::open(file.path, {}, [](const Error&, uint64_t) {});
    REQUIRE(log.ok());
    SizeLimit full(3);
    log->append("first\n");
    CHECK(log->lost() == 0);
    if (room) full.lift();
    REQUIRE(rename(file.path.c_str(), (file.path + ".1").c_str()) == 0);
    REQUIRE(log->reopen().ok());
    full.lift();
    log->append("second\n");
    CHECK(read_file(file.path + ".1").value() == (room ? "first\n" : "fir"));
    std::string text = read_file(file.path).value();
    CHECK(text.ends_with("second\n"));
    CHECK((text == "second\n") == room);
    CHECK(log->lost() == (room ? 0 : 1));
  }
}

TEST_CASE("a log with a greatest size is rotated between entries, and so many files are kept") {
  ScratchDirectory directory;
  auto log = LogFile::open(directory.path("log"), {20, 3}, [](const Error&, uint64_t) { FAIL("no loss"); });
  REQUIRE(log.ok());
  log->append("one 45678\ntwo 45678\nthree 678\n");
  CHECK(directory.read("log.1") == "one 45678\ntwo 45678\n");
  CHECK(directory.read("log") == "three 678\n");
  log->append("an entry longer than a file may be\n");
  CHECK(directory.read("log.2") == "one 45678\ntwo 45678\n");
  CHECK(directory.read("log.1") == "three 678\n");
  CHECK(directory.read("log") == "an entry longer than a file may be\n");
  log->append("last\n");
  CHECK(directory.read("log.2") == "three 678\n");
  CHECK(directory.read("log.1") == "an entry longer than a file may be\n");
  CHECK(directory.read("log") == "last\n");
  CHECK(directory.look("log.3").st_mode == 0);
}

TEST_CASE("every entry is in one file or the other, whatever the sizes") {
  ScratchDirectory directory;
  auto log =
      LogFile::open(directory.path("log"), {1000, 500}, [](const Error&, uint64_t) { FAIL("no loss"); });
  REQUIRE(log.ok());
  std::string expected;
  for (size_t i = 0, next = 0; i < 200; i++) {
    std::string entries;
    for (size_t n = 0; n < i % 40; n++, next++)
      entries += std::to_string(next) + std::string(next % 90, 'x') + "\n";
    log->append(entries);
    expected += entries;
  }
  std::string found = directory.read("log");
  for (int number = 1; directory.look("log." + std::to_string(number)).st_mode != 0; number++) {
    std::string older = directory.read("log." + std::to_string(number));
    CHECK(older.size() <= 1000);
    found = older + found;
  }
  CHECK(found == expected);
}
