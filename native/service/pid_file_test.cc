#include "service/pid_file.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "core/process_identity.h"
#include "scratch_directory.h"

using namespace lichen;

TEST_CASE("the file names this very process, whatever stood there") {
  ScratchDirectory scratch;
  Fd directory = scratch.open();
  scratch.file("some.pid", "99999999 1 and a longer text than ours\n");
  REQUIRE(write_pid_file(directory, "some.pid").ok());
  CHECK(parse_pid_file(scratch.read("some.pid")) == identify_process(getpid()).value());
  CHECK(is_own_pid_file(directory, "some.pid"));
}

TEST_CASE("a new file is for its user alone") {
  ScratchDirectory scratch;
  REQUIRE(write_pid_file(scratch.open(), "new.pid").ok());
  CHECK((scratch.look("new.pid").st_mode & 0777) == 0600);
}

TEST_CASE("a file of somebody else, of nobody, or none is not ours") {
  ScratchDirectory scratch;
  Fd directory = scratch.open();
  scratch.file("other.pid", format_pid_file(identify_process(getppid()).value()));
  scratch.file("torn.pid", "12");
  scratch.file("empty.pid", "");
  for (const char* name : {"other.pid", "torn.pid", "empty.pid", "missing.pid"})
    CHECK_FALSE(is_own_pid_file(directory, name));
}

TEST_CASE("a link in its place is not followed") {
  ScratchDirectory scratch;
  Fd directory = scratch.open();
  scratch.file("target", "keep");
  REQUIRE(symlinkat("target", directory.get(), "link.pid") == 0);
  auto written = write_pid_file(directory, "link.pid");
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().text().find("link.pid") != std::string::npos);
  CHECK_FALSE(is_own_pid_file(directory, "link.pid"));
}
