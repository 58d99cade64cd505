#include "core/text.h"

#include <doctest/doctest.h>

#include <cstdint>

using namespace lichen;
using Pieces = std::vector<std::string_view>;

TEST_CASE("text is split at separators and at blanks") {
  CHECK(split("a::b", ':') == Pieces{"a", "", "b"});
  CHECK(split("", ':') == Pieces{""});
  CHECK(split_words("  a\tb  c ") == Pieces{"a", "b", "c"});
  CHECK(split_words(" ").empty());
  CHECK(trim(" \ta b\r\n") == "a b");
  CHECK(trim("\n").empty());
}

TEST_CASE("a number is the whole text or nothing") {
  CHECK(parse_number<uint32_t>("4294967295") == 4294967295u);
  CHECK(!parse_number<uint32_t>("4294967296"));
  CHECK(!parse_number<uint32_t>("-1"));
  CHECK(!parse_number<uint32_t>("1 "));
  CHECK(!parse_number<uint32_t>(""));
  CHECK(parse_number<uint32_t>("0A", 16) == 10u);
}
