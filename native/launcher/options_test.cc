#include "launcher/options.h"

#include <doctest/doctest.h>

using namespace lichen;
using namespace lichen::launcher;

namespace {

std::string refusal(const std::vector<std::string>& arguments) {
  auto options = parse_options(arguments);
  REQUIRE(!options.ok());
  CHECK(options.error().code == "USAGE");
  return options.error().object + " " + options.error().cause;
}

}  // namespace

TEST_CASE("serve takes its directories, choices and the daemon's command") {
  auto parsed = parse_options({"serve", "--runtime-dir", "/r", "--data-dir=/d", "--uplink", "slirp4netns",
                               "--cgroup", "/sys/fs/cgroup/x", "--ids", "single", "--host-loopback", "on",
                               "--", "node", "--flag", "--", "x"});
  REQUIRE(parsed.ok());
  auto* serve = std::get_if<ServeOptions>(&parsed.value());
  REQUIRE(serve != nullptr);
  CHECK(serve->runtime_dir == "/r");
  CHECK(serve->data_dir == "/d");
  CHECK(serve->uplink.choice == UplinkChoice::kSlirp4netns);
  CHECK(serve->cgroup == "/sys/fs/cgroup/x");
  CHECK(serve->single_id);
  CHECK(serve->uplink.host_loopback);
  CHECK(serve->command == std::vector<std::string>{"node", "--flag", "--", "x"});
}

TEST_CASE("defaults are automatic, relative paths become absolute") {
  auto parsed = parse_options({"serve", "--runtime-dir", "r", "--data-dir", "/d", "--", "true"});
  REQUIRE(parsed.ok());
  auto* serve = std::get_if<ServeOptions>(&parsed.value());
  REQUIRE(serve != nullptr);
  CHECK(serve->runtime_dir.starts_with("/"));
  CHECK(serve->runtime_dir.ends_with("/r"));
  CHECK(serve->uplink.choice == UplinkChoice::kAuto);
  CHECK(serve->cgroup == "auto");
  CHECK(!serve->single_id);
}

TEST_CASE("what is wrong with a command line is named") {
  CHECK(refusal({}) == "command is missing: serve, enter, unshare or check");
  CHECK(refusal({"sevre"}) == "\"sevre\" unknown command: serve, enter, unshare or check");
  CHECK(refusal({"serve", "--data-dir", "/d", "--", "x"}) == "--runtime-dir is missing");
  CHECK(refusal({"serve", "--runtime-dir", "/r", "--data-dir", "/d"}) == "-- COMMAND is missing");
  CHECK(refusal({"serve", "--runtime-dir"}) == "--runtime-dir needs a value");
  CHECK(refusal({"serve", "--runtime-dir="}) == "--runtime-dir needs a value that is not empty");
  CHECK(refusal({"serve", "--colour", "red"}) == "\"--colour\" unknown option");
  CHECK(refusal({"serve", "--runtime-dir", "/r", "--data-dir", "/d", "--uplink", "carrier-pigeon", "--",
                 "x"}) == "--uplink \"carrier-pigeon\" must be auto, pasta, slirp4netns or none");
  CHECK(refusal({"serve", "--runtime-dir", "/r", "--data-dir", "/d", "--cgroup", "x", "--", "x"}) ==
        "--cgroup \"x\" must be auto, none or an absolute path");
  CHECK(refusal({"serve", "--runtime-dir", "/r", "--data-dir", "/d", "--ids", "two", "--", "x"}) ==
        "--ids \"two\" must be auto or single");
  CHECK(refusal({"enter", "--runtime-dir", "/r"}) == "-- COMMAND is missing");
  CHECK(refusal({"enter", "--runtime-dir", "/r", "--uplink", "none", "--", "x"}) ==
        "\"--uplink\" unknown option");
  CHECK(refusal({"enter", "--runtime-dir", "/r", "--cgroups", "mine", "--", "x"}) ==
        "--cgroups \"mine\" must be node or systemd");
  CHECK(refusal({"check", "--", "x"}) == "check takes no command");
}

TEST_CASE("enter, check and help") {
  auto enter = parse_options({"enter", "--runtime-dir", "/r", "--", "sh", "-c", "x"});
  REQUIRE(enter.ok());
  CHECK(std::get_if<EnterOptions>(&enter.value())->command.size() == 3);
  CHECK(!std::get_if<EnterOptions>(&enter.value())->systemd);
  auto slices = parse_options({"enter", "--runtime-dir", "/r", "--cgroups", "systemd", "--", "kubelet"});
  REQUIRE(slices.ok());
  CHECK(std::get_if<EnterOptions>(&slices.value())->systemd);
  auto check = parse_options({"check"});
  REQUIRE(check.ok());
  CHECK(std::holds_alternative<CheckOptions>(check.value()));
  auto help = parse_options({"--help"});
  REQUIRE(help.ok());
  CHECK(std::holds_alternative<HelpOptions>(help.value()));
}

TEST_CASE("unshare takes a command and nothing else") {
  auto parsed = parse_options({"unshare", "--", "rm", "--", "-x"});
  REQUIRE(parsed.ok());
  auto* unshare = std::get_if<UnshareOptions>(&parsed.value());
  REQUIRE(unshare != nullptr);
  CHECK(unshare->command == std::vector<std::string>{"rm", "--", "-x"});
  CHECK(refusal({"unshare"}) == "-- COMMAND is missing");
  CHECK(refusal({"unshare", "--runtime-dir", "/r", "--", "true"}).find("unknown option") !=
        std::string::npos);
}
