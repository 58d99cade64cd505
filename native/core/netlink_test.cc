#include "core/netlink.h"

#include <doctest/doctest.h>

using namespace lichen;

namespace {

std::string hex(std::string_view bytes) {
  std::string out;
  char two[3];
  for (unsigned char byte : bytes) {
    snprintf(two, sizeof two, "%02x", byte);
    out += two;
  }
  return out;
}

}  // namespace

TEST_CASE("a message carries header, padded attributes and its length") {
  NetlinkMessage message(0x10, NLM_F_ACK);
  message.header(uint32_t{0x01020304}).put_string(3, "lo").put_u32(4, 65520);
  message.set_sequence(7);
  CHECK(hex(message.bytes()) ==
        "24000000"  // length 36
        "1000"      // type
        "0500"      // NLM_F_REQUEST | NLM_F_ACK
        "07000000"  // sequence
        "00000000"  // port
        "04030201"  // family header
        "07000300"  // attribute: length 7, type 3
        "6c6f0000"  // "lo", NUL, padding
        "08000400"
        "f0ff0000");
}

TEST_CASE("nested attributes get their length when they are complete") {
  NetlinkMessage message(1, 0);
  message.nest(18, [&] {
    message.nest(
        2, [&] { message.put_be32(1, 5); }, "abcd");
  });
  CHECK(hex(message.bytes().substr(sizeof(nlmsghdr))) ==
        "14001280"  // 20 bytes, type 18 | NLA_F_NESTED
        "10000280"  // 16 bytes, type 2 | NLA_F_NESTED
        "61626364"  // what goes before the first attribute
        "08000100"
        "00000005");
}

TEST_CASE("attributes are read back, with flags masked") {
  NetlinkMessage message(1, 0);
  message.put_string(1, "bridge").put_u32(2, 9).nest(3, [&] { message.put_u32(4, 1); });
  std::string seen;
  for_each_attribute(std::string_view(message.bytes()).substr(sizeof(nlmsghdr)),
                     [&](uint16_t type, std::string_view value) {
                       seen += std::to_string(type) + ":";
                       seen += type == 1 ? attribute_string(value) : std::to_string(attribute_u32(value));
                       seen += " ";
                     });
  CHECK(seen == "1:bridge 2:9 3:0 ");
}

TEST_CASE("malformed attributes end the walk instead of reading past the end") {
  int seen = 0;
  auto count = [&](uint16_t, std::string_view) { seen++; };
  for_each_attribute(std::string_view("\x03\x00\x01\x00", 4), count);  // shorter than its own header
  for_each_attribute(std::string_view("\xff\x00\x01\x00\x00\x00\x00\x00", 8),
                     count);                                   // longer than what there is
  for_each_attribute(std::string_view("\x08\x00", 2), count);  // cut within the header
  CHECK(seen == 0);
  for_each_attribute(std::string_view("\x05\x00\x01\x00z", 5), count);  // last one, without its padding
  CHECK(seen == 1);
}

TEST_CASE("numbers of another size read as zero") {
  CHECK(attribute_u32(std::string_view("\x01\x00", 2)) == 0);
  CHECK(attribute_u32({}) == 0);
}
