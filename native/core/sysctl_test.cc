#include "core/sysctl.h"

#include <doctest/doctest.h>

using namespace lichen;

TEST_CASE("names become paths, and slashes in them stand for dots") {
  CHECK(sysctl_path("net.ipv4.ip_unprivileged_port_start") == "net/ipv4/ip_unprivileged_port_start");
  CHECK(sysctl_path("net.ipv4.conf.eth0/1.forwarding") == "net/ipv4/conf/eth0.1/forwarding");
  CHECK(sysctl_path("net/ipv4/conf/eth0.1/forwarding") == "net/ipv4/conf/eth0.1/forwarding");
  CHECK(sysctl_path("kernel/shmmax") == "kernel/shmmax");
}

TEST_CASE("each parameter belongs to a namespace of the pod") {
  CHECK(sysctl_namespace("net.core.somaxconn").value() == SysctlNamespace::network);
  CHECK(sysctl_namespace("kernel.shm_rmid_forced").value() == SysctlNamespace::ipc);
  CHECK(sysctl_namespace("kernel/sem").value() == SysctlNamespace::ipc);
  CHECK(sysctl_namespace("fs.mqueue.msg_max").value() == SysctlNamespace::ipc);
}

TEST_CASE("what would change the node is refused") {
  for (const char* name :
       {"kernel.core_pattern", "vm.overcommit_memory", "kernel.hostname", "fs.file-max", "net"})
    CHECK(sysctl_namespace(name).error().code == "UNSAFE_SYSCTL");
}

TEST_CASE("names that leave /proc/sys are refused") {
  for (const char* name : {"net/../kernel/x", "net..x", "net.//.x", ".net", "net."})
    CHECK(sysctl_namespace(name).error().code == "INVALID_SYSCTL");
}

TEST_CASE("a failure names parameter and value") {
  CHECK(set_sysctl("net.no.such", "1").error().text() ==
        "set sysctl net.no.such=1: No such file or directory (ENOENT)");
}
