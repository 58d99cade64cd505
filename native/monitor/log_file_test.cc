#include "monitor/log_file.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

using namespace lichen;
using namespace lichen::monitor;

namespace {

struct TemporaryFile {
  std::string path = "/tmp/lichen-log-XXXXXX";
  TemporaryFile() { Fd(mkstemp(path.data())); }
  ~TemporaryFile() {
    unlink(path.c_str());
    unlink((path + ".1").c_str());
  }
};

}  // namespace

TEST_CASE("entries are appended; after a rename reopen goes on in a new file") {
  TemporaryFile file;
  auto log = LogFile::open(file.path, [](const Error&, uint64_t) { FAIL("no error expected"); });
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
  auto log = LogFile::open("", [](const Error&, uint64_t) { FAIL("no error expected"); });
  REQUIRE(log.ok());
  log->append("gone\n");
  CHECK(log->reopen().ok());
}

TEST_CASE("what cannot be opened is an error that names the file") {
  auto log = LogFile::open("/nonexistent/x.log", {});
  REQUIRE(!log.ok());
  CHECK(log.error().text() ==
        "container log: open \"/nonexistent/x.log\": No such file or directory (ENOENT)");
}

TEST_CASE("lines that find no room are counted, and the next entry starts on a line of its own") {
  TemporaryFile file;
  uint64_t lost = 0;
  std::string cause;
  auto log = LogFile::open(file.path, [&](const Error& error, uint64_t lines) {
    cause = error.code;
    lost += lines;
  });
  REQUIRE(log.ok());
  // A file size limit stands for a full disk.
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto* handler = signal(SIGXFSZ, SIG_IGN);
  rlimit small{10, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  log->append("first\nsecond\nthird\n");
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  signal(SIGXFSZ, handler);
  CHECK(cause == "EFBIG");
  CHECK(lost == 2);
  log->append("fourth\n");
  CHECK(read_file(file.path).value() == "first\nseco\nfourth\n");
}
