#include "launcher/tun_device.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/small_files.h"
#include "scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

TEST_CASE("a TUN device that is not there asks for its module") {
  ScratchDirectory scratch;
  Status found = try_tun_device(scratch.path("tun"));
  REQUIRE(!found);
  CHECK(found.error().code == "ENOENT");
  CHECK(tun_hint(found.error()) == "sudo modprobe tun");
  CHECK(tun_hint(plain_error("ENODEV", "open", "/dev/net/tun", "")) == "sudo modprobe tun");
}

TEST_CASE("something else in its place is told from it") {
  for (const char* path : {"/dev/null", "/dev/zero"}) {
    CAPTURE(path);
    Status found = try_tun_device(path);
    REQUIRE(!found);
    CHECK(found.error().code == "ENOTTY");
    CHECK(found.error().text().find("something else than the TUN device") != std::string::npos);
    CHECK(tun_hint(found.error()).find("mknod -m 0666 /dev/net/tun c 10 200") != std::string::npos);
  }
}

TEST_CASE("one that may not be opened asks for its permissions") {
  ScratchDirectory scratch;
  std::string path = scratch.path("tun");
  REQUIRE(mkfifo(path.c_str(), 0) == 0);
  if (geteuid() == 0) return;
  Status found = try_tun_device(path);
  REQUIRE(!found);
  CHECK(found.error().code == "EACCES");
  CHECK(tun_hint(found.error()) == "sudo chmod 0666 /dev/net/tun");
}

TEST_CASE("the one of this machine is taken, where there is one") {
  if (access(kTunDevice, R_OK | W_OK) != 0) {
    MESSAGE("skip: no /dev/net/tun that may be opened");
    return;
  }
  CHECK(try_tun_device());
}
