#include "launcher/setup_report.h"

#include <doctest/doctest.h>

using namespace lichen;
using namespace lichen::launcher;

TEST_CASE("reports come out as they went in") {
  CHECK(std::holds_alternative<Ready>(decode_report(encode_report(Ready{}))));
  CHECK(std::holds_alternative<Unshared>(decode_report(encode_report(Unshared{}))));

  SetupReport warned = decode_report(encode_report(Warning{"CODE", "a message; with 'quotes'", ""}));
  REQUIRE(std::holds_alternative<Warning>(warned));
  CHECK(*std::get_if<Warning>(&warned) == Warning{"CODE", "a message; with 'quotes'", ""});

  SetupReport failed = decode_report(encode_report(sys_error("mount", "", EPERM)));
  REQUIRE(std::holds_alternative<Error>(failed));
  Error& error = *std::get_if<Error>(&failed);
  CHECK(error.operation == "mount");
  CHECK(error.object.empty());
  CHECK(error.code == "EPERM");
  CHECK(error.number == EPERM);
}

TEST_CASE("anything else is an error, not a guess") {
  for (const char* bytes : {"", "warning", "readyish", "error"}) {
    SetupReport report = decode_report(bytes);
    REQUIRE(std::holds_alternative<Error>(report));
    CHECK(std::get_if<Error>(&report)->code == "BAD_REPORT");
  }
}
