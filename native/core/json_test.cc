#include "core/json.h"

#include <doctest/doctest.h>

using namespace lichen;

namespace {

JsonDocument parsed(const char* text) {
  auto document = JsonDocument::parse(text, "spec");
  REQUIRE(document.ok());
  return std::move(document).value();
}

}  // namespace

TEST_CASE("members are read with their types, absent ones by fallback") {
  JsonDocument document = parsed(
      R"({"name":"web","on":true,"n":-3,"big":18446744073709551615,"list":["a","b"],
          "inner":{"x":1},"map":{"k.v":"1"},"none":null})");
  JsonReader root = document.root();
  CHECK(root.text("name") == "web");
  CHECK(root.text("missing", "x") == "x");
  CHECK(root.text("none", "x") == "x");
  CHECK(root.flag("on"));
  CHECK(root.number("n", 0) == -3);
  CHECK(root.unsigned_number("big", 0) == UINT64_MAX);
  CHECK(root.texts("list") == std::vector<std::string>{"a", "b"});
  CHECK(root.object("inner").number("x", 0) == 1);
  CHECK(root.object("absent").object("deeper").text("t", "f") == "f");
  CHECK(root.text_members("map")[0] == std::pair<std::string, std::string>("k.v", "1"));
  CHECK(!root.has("none"));
  CHECK(document.status().ok());
}

TEST_CASE("the first mistake is reported with its place") {
  JsonDocument document = parsed(R"({"process":{"user":{"uid":"root"},"args":[1]}})");
  JsonReader process = document.root().object("process");
  CHECK(process.object("user").number("uid", 7) == 7);
  CHECK(process.texts("args") == std::vector<std::string>{""});
  auto status = document.status();
  REQUIRE(!status.ok());
  CHECK(status.error().text() == "read spec process.user.uid: must be a whole number (INVALID_FIELD)");
}

TEST_CASE("places in lists carry their index") {
  JsonDocument document = parsed(R"({"mounts":[{"destination":"/a"},{"destination":5}]})");
  auto mounts = document.root().list("mounts");
  REQUIRE(mounts.size() == 2);
  (void)mounts[1].text("destination");
  CHECK(document.status().error().object == "mounts[1].destination");
}

TEST_CASE("numbers out of range, fractions and numbers above 2^63 are mistakes") {
  for (const char* text :
       {R"({"n":65536})", R"({"n":1.5})", R"({"n":18446744073709551615})", R"({"n":-1})"}) {
    JsonDocument document = parsed(text);
    CHECK(document.root().number("n", 9, 0, 65535) == 9);
    CHECK(document.status().error().cause == "must be a whole number from 0 to 65535");
  }
}

TEST_CASE("what is no JSON object is refused") {
  for (const char* text : {"", "[]", "{", "nonsense", "{\"a\":1}x"}) {
    auto document = JsonDocument::parse(text, "request");
    REQUIRE(!document.ok());
    CHECK(document.error().code == "INVALID_JSON");
  }
}

TEST_CASE("objects are written in order, with escapes and clean UTF-8") {
  std::string text = JsonObject()
                         .text("a", "q\" \n \xff")
                         .number("n", -1)
                         .flag("f", false)
                         .raw("l", json_list({"1", "{}"}))
                         .str();
  CHECK(text == "{\"a\":\"q\\\" \\n \xef\xbf\xbd\",\"n\":-1,\"f\":false,\"l\":[1,{}]}");
  CHECK(JsonObject().str() == "{}");
}

TEST_CASE("an error survives the wire") {
  Error error = sys_error("mount_setattr", "\"/data\"", 1);
  JsonDocument document = parsed(error_to_json(error).c_str());
  Error back = error_from_json(document.root());
  CHECK(back.text() == error.text());
  CHECK(back.number == 1);
}
