#include "core/subids.h"

#include <doctest/doctest.h>

using namespace lichen;

TEST_CASE("a user's ranges are found by name and by number") {
  const char* text =
      "# comment\n"
      "alice:100000:65536\n"
      "1000:300000:10\n"
      "bob:400000:65536\n"
      "alice:165536:5\n"
      "alice:x:5\n"
      "alice:1\n"
      "\n";
  CHECK(parse_subid_file(text, "alice", 1000) ==
        std::vector<IdRange>{{100000, 65536}, {300000, 10}, {165536, 5}});
  CHECK(parse_subid_file(text, "", 1000) == std::vector<IdRange>{{300000, 10}});
  CHECK(parse_subid_file(text, "carol", 7).empty());
  CHECK(parse_subid_file("alice:100000:65536", "alice", 1000).size() == 1);
}

TEST_CASE("the first free id is beyond everybody's ranges") {
  CHECK(first_free_subid("") == 100000);
  CHECK(first_free_subid("# nobody\nbroken:1\nalice:1000:10\n") == 100000);
  CHECK(first_free_subid("alice:100000:65536\nbob:1000000:1000000\ncarol:165536:65536\n") == 2000000);
  CHECK(first_free_subid("alice:4294967295:4294967295") == 8589934590);
}

TEST_CASE("what getsubids prints") {
  CHECK(parse_getsubids("0: dev 100000 65536\n1: dev 300000 10\n") ==
        std::vector<IdRange>{{100000, 65536}, {300000, 10}});
  CHECK(parse_getsubids("Error fetching ranges\n").empty());
  CHECK(parse_getsubids("").empty());
}

TEST_CASE("a login name comes from the passwd file itself") {
  const char* text = "root:x:0:0:root:/root:/bin/sh\nbroken\ndev:x:1500:1500::/home/dev:/bin/sh\n";
  CHECK(parse_passwd_name(text, 1500) == "dev");
  CHECK(parse_passwd_name(text, 0) == "root");
  CHECK(parse_passwd_name(text, 7) == "");
}
