#include "core/ip_address.h"

#include <doctest/doctest.h>

using namespace lichen;

TEST_CASE("addresses read and print") {
  for (const char* text : {"10.210.0.1/16", "0.0.0.0/0", "192.168.1.1/32", "fd00::1/64", "::/0"}) {
    auto address = parse_ip(text);
    REQUIRE(address.ok());
    CHECK(address->text() == text);
  }
  CHECK(parse_ip("10.0.0.1").value().text() == "10.0.0.1/32");
  CHECK(parse_ip("::1").value().text() == "::1/128");
}

TEST_CASE("networks and masks") {
  auto address = parse_ip("10.210.77.5/20");
  REQUIRE(address.ok());
  CHECK(address->network().text() == "10.210.64.0/20");
  CHECK(address->mask() == std::string("\xff\xff\xf0\x00", 4));
  CHECK(parse_ip("fd00:1:2:3::5/60").value().network().text() == "fd00:1:2::/60");
  CHECK(parse_ip("1.2.3.4/0").value().network().text() == "0.0.0.0/0");
}

TEST_CASE("what is no address is refused by name") {
  for (const char* text : {"", "10.0.0", "10.0.0.1/33", "fd00::/129", "10.0.0.1/", "10.0.0.1/x",
                           "10.0.0.1/8 ", "host/8", "1.2.3.4/-1"}) {
    auto address = parse_ip(text);
    REQUIRE(!address.ok());
    CHECK(address.error().code == "INVALID_ADDRESS");
    CHECK(address.error().object == "\"" + std::string(text) + "\"");
  }
}
