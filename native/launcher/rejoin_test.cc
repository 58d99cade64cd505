#include "launcher/rejoin.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "scratch_directory.h"
#include "sleeper.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

// A runtime directory as a dead launcher left it.
struct Left {
  ScratchDirectory scratch;
  RuntimeDirectory directory = std::move(RuntimeDirectory::open(scratch.path("run"))).value();

  void node_json(pid_t pid) {
    NodeInfo info;
    info.namespaces = identify_namespaces(pid).value();
    info.cgroup_path = "/lichen-1234";
    REQUIRE(directory.write("node.json", format_node_info(info)).ok());
  }
  void monitor(const std::string& pod, const ProcessIdentity& process) {
    std::filesystem::create_directories(directory.file("pods/" + pod));
    std::ofstream(directory.file("pods/" + pod + "/monitor.pid")) << format_pid_file(process);
  }
};

}  // namespace

TEST_CASE("where nobody lives there is no survivor, whatever files say") {
  Left left;
  auto nobody = find_survivor(left.directory);
  REQUIRE(nobody.ok());
  CHECK_FALSE(nobody.value().has_value());

  Sleeper gone(Sleeper::Where::here);
  left.node_json(gone.pid());
  left.monitor("dead", gone.identity());
  ProcessIdentity reused = identify_process(getpid()).value();
  reused.start_time++;  // our PID, of a process that was there before us
  REQUIRE(left.directory.write_pid("daemon.pid", reused).ok());
  gone.end();
  nobody = find_survivor(left.directory);
  REQUIRE(nobody.ok());
  CHECK_FALSE(nobody.value().has_value());
}

TEST_CASE("a living daemon or monitor in the node's namespaces is the way back") {
  Sleeper process(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(process);
  for (bool daemon : {true, false}) {
    Left left;
    left.node_json(process.pid());
    if (daemon)
      REQUIRE(left.directory.write_pid("daemon.pid", process.identity()).ok());
    else
      left.monitor("pod", process.identity());
    auto found = find_survivor(left.directory);
    REQUIRE(found.ok());
    REQUIRE(found.value().has_value());
    CHECK(identify(found.value()->namespaces).value() == identify_namespaces(process.pid()).value());
    CHECK(found.value()->info.cgroup_path == "/lichen-1234");
    CHECK(found.value()->info.ids.single);
    REQUIRE(found.value()->info.ids.uids.size() == 1);
  }
}

TEST_CASE("a dead one beside a living one does not matter") {
  Sleeper process(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(process);
  Left left;
  left.node_json(process.pid());
  {
    Sleeper dead(Sleeper::Where::here);
    REQUIRE(left.directory.write_pid("daemon.pid", dead.identity()).ok());
  }
  left.monitor("pod", process.identity());
  auto found = find_survivor(left.directory);
  REQUIRE(found.ok());
  CHECK(found.value().has_value());
}

TEST_CASE("somebody who lives in other namespaces is an error: their pods would be without a node") {
  Sleeper node(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(node);
  Sleeper other(Sleeper::Where::apart);
  Left left;
  left.node_json(node.pid());
  left.monitor("pod", other.identity());
  auto found = find_survivor(left.directory);
  REQUIRE_FALSE(found.ok());
  CHECK(found.error().text().find(std::to_string(other.pid())) != std::string::npos);
}

TEST_CASE("without a readable node.json nobody is left alone in silence") {
  Sleeper process(Sleeper::Where::apart);
  LICHEN_SKIP_WITHOUT(process);
  Left left;
  left.monitor("pod", process.identity());
  REQUIRE(left.directory.write("netns", "").ok());
  for (const char* text : {"", "{", "{\"namespaces\":7}"}) {
    if (*text != '\0') REQUIRE(left.directory.write("node.json", text).ok());
    auto found = find_survivor(left.directory);
    REQUIRE_FALSE(found.ok());
    CHECK(found.error().text().find(left.directory.path()) != std::string::npos);
  }
}

TEST_CASE("the monitor of a pod that was being made when its node was left is ended") {
  Left left;
  Sleeper stubborn(Sleeper::Where::here, true);
  left.monitor("unborn", stubborn.identity());
  auto nobody = find_survivor(left.directory);
  REQUIRE(nobody.ok());
  CHECK_FALSE(nobody.value().has_value());
  CHECK(stubborn.signal_of_death() == SIGKILL);
}

TEST_CASE("a leftover daemon or uplink is asked to end, and its file goes") {
  Left left;
  Sleeper daemon(Sleeper::Where::here);
  Sleeper uplink(Sleeper::Where::here);
  REQUIRE(left.directory.write_pid("daemon.pid", daemon.identity()).ok());
  REQUIRE(left.directory.write_pid("uplink.pid", uplink.identity()).ok());
  end_leftover_daemon(left.directory);
  end_leftover_uplink(left.directory);
  CHECK(daemon.signal_of_death() == SIGTERM);
  CHECK(uplink.signal_of_death() == SIGTERM);
  CHECK_FALSE(std::filesystem::exists(left.directory.file("daemon.pid")));
  CHECK_FALSE(std::filesystem::exists(left.directory.file("uplink.pid")));
  end_leftover_daemon(left.directory);  // and again: nothing
}

TEST_CASE("one that does not listen is killed") {
  Left left;
  Sleeper stubborn(Sleeper::Where::here, true);
  REQUIRE(left.directory.write_pid("uplink.pid", stubborn.identity()).ok());
  end_leftover_uplink(left.directory);
  CHECK(stubborn.signal_of_death() == SIGKILL);
}

TEST_CASE("a PID that means another process by now is nobody's to end") {
  Left left;
  Sleeper bystander(Sleeper::Where::here);
  ProcessIdentity before = bystander.identity();
  before.start_time--;
  REQUIRE(left.directory.write_pid("daemon.pid", before).ok());
  end_leftover_daemon(left.directory);
  CHECK(bystander.signal_of_death() == 0);
  CHECK_FALSE(std::filesystem::exists(left.directory.file("daemon.pid")));
}
