#include "monitor/oci_spec.h"

#include <doctest/doctest.h>
#include <linux/capability.h>

#include <nlohmann/json.hpp>

#include "core/seccomp_filter.h"

using namespace lichen;
using namespace lichen::monitor;

namespace {

// The least spec with `members` added at its top.
Result<OciSpec> read_with(const std::string& members, const std::string& process = "") {
  return read_oci_spec(R"({"ociVersion":"1.2.0",)" + members + R"("process":{"args":["sh"],"cwd":"/")" +
                       process + "}}");
}

const char* const kUsual = R"({
    "ociVersion": "1.2.0",
    "process": {"terminal": true, "consoleSize": {"width": 120, "height": 40}, "args": ["sh", "-c", "id"], "cwd": "/srv",
      "env": ["PATH=/bin", "A=b"], "user": {"uid": 1000, "gid": 100, "additionalGids": [5, 6], "umask": 63},
      "capabilities": {"bounding": ["CAP_KILL"], "ambient": ["CAP_KILL"]}, "noNewPrivileges": true,
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}], "apparmorProfile": "web",
      "apparmorDefault": "usual"},
    "root": {"path": "rootfs", "readonly": true},
    "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid"]},
               {"destination": "/data", "type": "bind", "source": "/srv/data", "options": ["rbind", "rprivate", "ro"]}],
    "linux": {"maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "rootfsPropagation": "rslave",
      "devices": [{"path": "/dev/fuse", "source": "/dev/fuse", "permissions": "r"}],
      "resources": {"memory": {"limit": 1}}, "namespaces": [{"type": "pid"}],
      "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"], "flags": [],
        "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1,
          "args": [{"index": 1, "value": 2, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}]}]}}})";

using Place = nlohmann::json::json_pointer;

// Every value of a document, by its place.
std::vector<Place> places(const nlohmann::json& value, const Place& here = Place()) {
  std::vector<Place> found = {here};
  for (auto it = value.begin(); value.is_structured() && it != value.end(); ++it) {
    size_t index = found.size();
    auto next = value.is_array() ? here / static_cast<size_t>(it - value.begin()) : here / it.key();
    for (auto& place : places(*it, next)) found.push_back(std::move(place));
    CHECK(found.size() > index);
  }
  return found;
}

}  // namespace

TEST_CASE("whatever stands in the place of a value, a spec is read or refused with a reason") {
  nlohmann::json usual = nlohmann::json::parse(kUsual);
  const char* strange[] = {"null",
                           "true",
                           "-1",
                           "0",
                           "1.5",
                           "1e300",
                           "18446744073709551615",
                           "4294967295",
                           R"("")",
                           R"("x")",
                           R"("\u0000")",
                           R"("\ufffd/..")",
                           "[]",
                           "[[]]",
                           "{}",
                           R"({"":{}})"};
  int refused = 0;
  int tried = 0;
  for (const auto& place : places(usual)) {
    for (const char* text : strange) {
      nlohmann::json changed = usual;
      changed[place] = nlohmann::json::parse(text);
      auto spec = read_oci_spec(changed.dump());
      tried++;
      if (!spec) {
        refused++;
        CHECK_MESSAGE(!spec.error().code.empty(), place.to_string(), " = ", text);
        CHECK_MESSAGE(!spec.error().cause.empty(), place.to_string(), " = ", text);
        continue;
      }
      CHECK_MESSAGE(!spec->process.args.empty(), place.to_string(), " = ", text);
      // What can be read must be fit to be used: compiled, or refused with a reason.
      if (spec->seccomp && place.to_string().starts_with("/linux/seccomp")) {
        auto filter = compile_seccomp(*spec->seccomp);
        CHECK_MESSAGE((filter.ok() || filter.error().code == "INVALID_SECCOMP"), place.to_string(), " = ",
                      text);
      }
    }
  }
  CHECK(tried > 1000);
  CHECK(refused > tried / 2);
}

TEST_CASE("a document as deep as it is long is read or refused like any other") {
  constexpr size_t kDepth = 200'000;
  std::string deep = std::string(kDepth, '[') + std::string(kDepth, ']');
  CHECK(read_oci_spec(R"({"annotations":)" + deep + R"(,"process":{"args":["sh"]}})").ok());
  CHECK(read_oci_spec(R"({"process":{"args":)" + deep + "}}").error().code == "INVALID_FIELD");
  CHECK(read_oci_spec(std::string(kDepth, '[')).error().code == "INVALID_JSON");
  CHECK(read_oci_spec("").error().code == "INVALID_JSON");
  CHECK(read_oci_spec("[]").error().code == "INVALID_JSON");
}

TEST_CASE("the whole of a usual spec") {
  auto spec = read_oci_spec(kUsual);
  REQUIRE(spec.ok());
  const OciProcess& process = spec->process;
  CHECK(process.args.size() == 3);
  CHECK(process.directory == "/srv");
  CHECK(process.user.uid == 1000);
  CHECK(process.user.groups == std::vector<gid_t>{5, 6});
  CHECK(process.umask == 077);
  CHECK(process.capabilities.ambient == 1ull << CAP_KILL);
  CHECK(process.limits[0].hard == 20);
  CHECK(process.apparmor_profile == "web");
  CHECK(process.apparmor_default == "usual");
  CHECK(process.terminal_size.columns == 120);
  CHECK(spec->readonly_root);
  CHECK(spec->mounts[1].options.recursive_bind);
  CHECK(!spec->devices[0].writable);
  CHECK(spec->seccomp->default_action == "SCMP_ACT_ERRNO");
  CHECK(spec->root_propagation == 1 << 19);
}

TEST_CASE("mistakes are named by place") {
  CHECK(read_with(R"("mounts":[{"destination":"data","type":"tmpfs"}],)").error().object ==
        "mounts[0].destination");
  CHECK(read_with(R"("mounts":[{"destination":"/d","type":"bind"}],)").error().object == "mounts[0].source");
  CHECK(read_with("", R"(,"user":{"uid":-1})").error().object == "process.user.uid");
  CHECK(read_with("", R"(,"cwd":"srv")").error().object == "process.cwd");
  CHECK(read_with("", R"(,"env":["A=\u0000"])").error().object == "process.env[0]");
  CHECK(read_with("", R"(,"cwd":"/a\u0000/../etc")").error().object == "process.cwd");
  CHECK(read_with(R"("mounts":[{"destination":"/d\u0000","type":"tmpfs"}],)").error().cause ==
        "contains a NUL character");
  CHECK(read_oci_spec(R"({"process":{"args":[]}})").error().object == "process.args");
  CHECK(read_oci_spec("{}").error().object == "process.args");
}

TEST_CASE("what cannot be done is refused") {
  CHECK(!read_with(R"("hooks":{"prestart":[{"path":"/bin/x"}]},)").ok());
  CHECK(!read_with(R"("mounts":[{"destination":"/d","type":"tmpfs","options":["tmpcopyup"]}],)").ok());
  CHECK(
      !read_with(
           R"("mounts":[{"destination":"/d","type":"tmpfs","uidMappings":[{"containerID":0,"hostID":1,"size":1}]}],)")
           .ok());
  CHECK(!read_with(R"("linux":{"personality":{"domain":"LINUX32"}},)").ok());
  CHECK(!read_with("", R"(,"capabilities":{"bounding":["CAP_MAGIC"]})").ok());
  CHECK(!read_with("", R"(,"rlimits":[{"type":"RLIMIT_MAGIC","soft":1,"hard":1}])").ok());
}

TEST_CASE("no hooks are fine, and labels are a process's and its mounts'") {
  CHECK(read_with(R"("hooks":{},)").ok());
  CHECK(read_with("", R"(,"selinuxLabel":"")")->process.selinux_label == "");
  auto labelled = read_with(
      R"("mounts":[{"destination":"/d","type":"tmpfs","options":["context=u:object_r:t:s0:c1,c2"]}],"linux":{"mountLabel":"u:object_r:t:s0:c1,c2"},)",
      R"(,"selinuxLabel":"u:r:t:s0:c1,c2")");
  REQUIRE(labelled.ok());
  CHECK(labelled->process.selinux_label == "u:r:t:s0:c1,c2");
  CHECK(labelled->mounts[0].options.data == FsOptions{{"context", "u:object_r:t:s0:c1,c2"}});
}
