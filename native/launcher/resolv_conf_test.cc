#include "launcher/resolv_conf.h"

#include <doctest/doctest.h>

using namespace lichen::launcher;

TEST_CASE("the forwarder comes first, servers on the host's loopback go, the rest stays") {
  CHECK(node_resolv_conf("# by resolved\nnameserver 127.0.0.53\noptions edns0\nsearch example.org\n",
                         "10.0.2.3") == "nameserver 10.0.2.3\noptions edns0\nsearch example.org\n");
  CHECK(node_resolv_conf("nameserver 192.0.2.1\nnameserver ::1\n", "10.0.2.3") ==
        "nameserver 10.0.2.3\nnameserver 192.0.2.1\n");
  CHECK(node_resolv_conf("", "10.0.2.3") == "nameserver 10.0.2.3\n");
}

TEST_CASE("resolvers look at three servers only") {
  CHECK(node_resolv_conf("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.4\n", "10.0.2.3") ==
        "nameserver 10.0.2.3\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n");
}

TEST_CASE("without a forwarder the text is the host's") {
  CHECK(node_resolv_conf("# mine\nnameserver 127.0.0.53\n", "") == "# mine\nnameserver 127.0.0.53\n");
}
