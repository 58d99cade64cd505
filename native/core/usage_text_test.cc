#include "core/usage_text.h"

#include <doctest/doctest.h>

#include <string>

#include "core/usage_figures.h"

using namespace lichen;

TEST_CASE("numbers are read where they begin, fractions included, whatever follows") {
  for (const char* tail : {"", " ", "\n", "x", " 7"}) {
    CHECK(number_at(std::string("ab9007199254740991") + tail, 2) == 9007199254740991.0);
    CHECK(number_at(std::string("a=4.30") + tail, 2) == doctest::Approx(4.3));
  }
  CHECK(number_at("100.00", 0) == 100);
  CHECK(number_at("0.07 ", 0) == doctest::Approx(0.07));
}

TEST_CASE("where no number begins there is 0") {
  for (const char* text : {"", "x", " 1", "-1", "max"}) CHECK(number_at(text, 0) == 0);
  CHECK(number_at("1", 5) == 0);
  CHECK(number_at("1", std::string::npos) == 0);
}

TEST_CASE("a key is found at the start of its line only") {
  std::string text = "inactive_file 3\nfile 5\nfile_mapped 7\nRss:     12 kB\nempty \n";
  CHECK(flat_number(text, "file ") == 5);
  CHECK(flat_number(text, "inactive_file ") == 3);
  CHECK(flat_number(text, "file_mapped ") == 7);
  CHECK(!known(flat_number(text, "mapped ")));
  CHECK(!known(flat_number(text, "empty ")));
  CHECK(number_at(text, value_start(text, "Rss:")) == 12);
  CHECK(value_start(text, "Pss:") == std::string::npos);
  CHECK(!known(flat_number("max max\n", "max ")));
  CHECK(!known(flat_number("", "file ")));
}

TEST_CASE("a text that is a number is one, and max is none") {
  CHECK(whole_number("1000000\n") == 1000000);
  CHECK(whole_number("0\n") == 0);
  for (const char* text : {"max\n", "", "\n", "1 2\n", "-1\n"}) CHECK(!known(whole_number(text)));
}
