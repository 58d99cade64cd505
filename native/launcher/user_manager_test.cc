#include "launcher/user_manager.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>

#include "scratch_directory.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

// XDG_RUNTIME_DIR with a socket where a systemd would have it, served by this process.
class RuntimeDirectory {
 public:
  RuntimeDirectory() {
    const char* before = getenv("XDG_RUNTIME_DIR");
    had_ = before != nullptr;
    if (had_) before_ = before;
    setenv("XDG_RUNTIME_DIR", scratch_.path().c_str(), 1);
  }
  ~RuntimeDirectory() { had_ ? setenv("XDG_RUNTIME_DIR", before_.c_str(), 1) : unsetenv("XDG_RUNTIME_DIR"); }

  Fd listen() const {
    std::string path = scratch_.directory("systemd", 0700) + "/private";
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 8) == 0);
    return socket;
  }

 private:
  ScratchDirectory scratch_;
  std::string before_;
  bool had_ = false;
};

}  // namespace

TEST_CASE("a manager's units are beside the leaf that it sits in") {
  CHECK(manager_root("/user.slice/user-7.slice/user@7.service/init.scope") ==
        "/user.slice/user-7.slice/user@7.service");
  CHECK(manager_root("/user.slice/user-7.slice/session-1.scope") == "");
  CHECK(manager_root("/") == "");
}

TEST_CASE("where nobody answers there is no manager, and the reason is told") {
  RuntimeDirectory directory;
  CHECK(!connect_user_manager());
  UserManager manager = find_user_manager();
  CHECK(!manager.found());
  CHECK(manager.reason == "no systemd of this user answers");
  CHECK(manager.socket.empty());
}

TEST_CASE("who answers in systemd's place is found out by its cgroup") {
  RuntimeDirectory directory;
  Fd listening = directory.listen();
  CHECK(connect_user_manager());
  UserManager manager = find_user_manager();
  CHECK(!manager.found());
  CHECK(manager.reason == "the cgroup of the user's systemd is not to be seen here");
}
