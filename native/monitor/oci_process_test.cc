#include "monitor/oci_process.h"

#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/resource.h>

#include <string>
#include <vector>

using namespace lichen;
using namespace lichen::monitor;

namespace {

Result<OciProcess> read(const std::string& text) {
  auto document = JsonDocument::parse(text, "process");
  REQUIRE(document.ok());
  return read_oci_process(document.value(), document->root());
}

// The least process with `members` added.
Result<OciProcess> read_with(const std::string& members) {
  return read(R"({"args":["sh"],)" + members + "}");
}

std::string object_of(const std::string& members) {
  auto process = read_with(members);
  return process ? "<accepted>" : process.error().object;
}

}  // namespace

TEST_CASE("what is not said is what a process has without it") {
  auto process = read(R"({"args":["sh"]})");
  REQUIRE(process.ok());
  CHECK(process->directory == "/");
  CHECK(process->environment.empty());
  CHECK(process->user.uid == 0);
  CHECK(process->user.gid == 0);
  CHECK(process->user.groups.empty());
  CHECK(process->umask == 022);
  CHECK(process->capabilities.bounding == 0);
  CHECK(process->capabilities.effective == 0);
  CHECK(process->limits.empty());
  CHECK_FALSE(process->no_new_privileges);
  CHECK(process->apparmor_profile.empty());
  CHECK(process->terminal_size.columns == 80);
  CHECK(process->terminal_size.rows == 24);
}

TEST_CASE("each set of capabilities is its own") {
  auto process = read_with(
      R"("capabilities":{"bounding":["CAP_KILL","CAP_CHOWN"],"effective":["CAP_CHOWN"],"permitted":["CAP_KILL"],
                         "inheritable":["CAP_SYS_ADMIN"],"ambient":["CAP_NET_RAW"]})");
  REQUIRE(process.ok());
  const Capabilities& sets = process->capabilities;
  CHECK(sets.bounding == ((1ull << CAP_KILL) | (1ull << CAP_CHOWN)));
  CHECK(sets.effective == 1ull << CAP_CHOWN);
  CHECK(sets.permitted == 1ull << CAP_KILL);
  CHECK(sets.inheritable == 1ull << CAP_SYS_ADMIN);
  CHECK(sets.ambient == 1ull << CAP_NET_RAW);
  auto unknown = read_with(R"("capabilities":{"ambient":["CAP_FLY"]})");
  REQUIRE_FALSE(unknown.ok());
  CHECK(unknown.error().code == "UNKNOWN_CAPABILITY");
  CHECK(unknown.error().text().find("CAP_FLY") != std::string::npos);
}

TEST_CASE("limits hold every number that the kernel has, soft no higher than hard") {
  auto process = read_with(
      R"("rlimits":[{"type":"RLIMIT_CORE","soft":0,"hard":18446744073709551615},{"type":"RLIMIT_NOFILE","soft":7,"hard":7}])");
  REQUIRE(process.ok());
  REQUIRE(process->limits.size() == 2);
  CHECK(process->limits[0].resource == RLIMIT_CORE);
  CHECK(process->limits[0].hard == UINT64_MAX);
  CHECK(process->limits[1].soft == 7);
  CHECK(read_with(R"("rlimits":[{"type":"RLIMIT_NOFILE","soft":8,"hard":7}])").error().code ==
        "INVALID_RLIMIT");
  CHECK(object_of(R"("rlimits":[{"soft":7,"hard":7}])") == "rlimits[0].type");
}

TEST_CASE("ids are what a process can have: never the one that means none") {
  CHECK(read_with(R"("user":{"uid":4294967294,"gid":4294967294})")->user.uid == 4294967294u);
  CHECK(object_of(R"("user":{"uid":4294967295})") == "user.uid");
  CHECK(object_of(R"("user":{"gid":-1})") == "user.gid");
  CHECK(object_of(R"("user":{"additionalGids":[0,4294967295]})") == "user.additionalGids[1]");
  CHECK(object_of(R"("user":{"umask":512})") == "user.umask");
  CHECK(object_of(R"("user":"root")") == "user");
}

TEST_CASE("a command is needed, and texts end where they end") {
  for (const char* text : {R"({})", R"({"args":[]})", R"({"args":[""]})", R"({"args":"sh"})",
                           R"({"args":["sh","a\u0000b"]})", R"({"args":[1]})"}) {
    auto process = read(text);
    REQUIRE_FALSE(process.ok());
    CHECK(process.error().code == "INVALID_FIELD");
    CHECK(process.error().object.starts_with("args"));
  }
  CHECK(read(R"({"args":["sh",""]})").ok());  // an empty argument is one
  CHECK(object_of(R"("env":["A=\u0000"])") == "env[0]");
  CHECK(read_with(R"("env":["A=","=","A=b=c"])")->environment.size() == 3);
}

TEST_CASE("what would have an effect and is not built is refused, its empty form is not") {
  for (const char* key : {"scheduler", "ioPriority", "execCPUAffinity"})
    CHECK(object_of("\"" + std::string(key) + "\":{}") == key);
  for (const char* harmless :
       {R"("selinuxLabel":"")", R"("scheduler":null)", R"("apparmorProfile":"unconfined")"})
    CHECK(read_with(harmless).ok());
  CHECK(read_with(R"("apparmorProfile":"unconfined")")->apparmor_profile.empty());
  CHECK(read_with(R"("apparmorProfile":"web")")->apparmor_profile == "web");
  CHECK(read_with(R"("selinuxLabel":"system_u:system_r:container_t:s0")")->selinux_label ==
        "system_u:system_r:container_t:s0");
}

TEST_CASE("a terminal is as large as the kernel can tell") {
  auto process = read_with(R"("consoleSize":{"width":65535,"height":0})");
  REQUIRE(process.ok());
  CHECK(process->terminal_size.columns == 65535);
  CHECK(process->terminal_size.rows == 0);
  CHECK(object_of(R"("consoleSize":{"width":65536})") == "consoleSize.width");
}

TEST_CASE("the first mistake of several is told") {
  CHECK(object_of(R"("cwd":"srv","user":{"uid":-1})") == "cwd");
}
