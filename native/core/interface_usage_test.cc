#include "core/interface_usage.h"

#include <doctest/doctest.h>

#include <string>

#include "core/small_files.h"

using namespace lichen;

TEST_CASE("interfaces are counted from their own side, loopback left out") {
  std::string text =
      "Inter-|   Receive                                                |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo "
      "colls carrier "
      "compressed\n"
      "    lo:       1       2    3    4    0     0          0         0        5       6    7    8    0     "
      "0       0 "
      "         0\n"
      "eth0:1:     100       2    3    4    0     0          0         0      500       6    7    8    0     "
      "0       0 "
      "         0\n"
      "half:       1       2\n";
  auto interfaces = parse_net_dev(text);
  REQUIRE(interfaces.size() == 1);
  CHECK(interfaces[0].name == "eth0:1");
  CHECK(interfaces[0].figures == std::array<double, 8>{100, 2, 3, 4, 500, 6, 7, 8});
  CHECK(parse_net_dev("").empty());
}

TEST_CASE("the kernel's own text is understood") {
  SmallFiles files;
  auto text = files.read("/proc/self/net/dev");
  REQUIRE(text);
  for (const InterfaceTraffic& one : parse_net_dev(*text)) CHECK(one.name != "lo");
}
