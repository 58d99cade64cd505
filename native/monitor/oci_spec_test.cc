#include "monitor/oci_spec.h"

#include <doctest/doctest.h>
#include <linux/capability.h>

using namespace lichen;
using namespace lichen::monitor;

namespace {

// The least spec with `members` added at its top.
Result<OciSpec> read_with(const std::string& members, const std::string& process = "") {
  return read_oci_spec(R"({"ociVersion":"1.2.0",)" + members + R"("process":{"args":["sh"],"cwd":"/")" +
                       process + "}}");
}

}  // namespace

TEST_CASE("the whole of a usual spec") {
  auto spec = read_oci_spec(R"({
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
      "seccomp": {"defaultAction": "SCMP_ACT_ERRNO"}}})");
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
  CHECK(read_with("", R"(,"env":["A=\u0000"])").error().object == "process.env");
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
