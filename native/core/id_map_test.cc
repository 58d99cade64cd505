#include "core/id_map.h"

#include <doctest/doctest.h>

using namespace lichen;

TEST_CASE("an id map puts the user at 0 and the ranges behind, in order") {
  IdPlan plan = plan_id_map(1000, {{100000, 65536}, {300000, 10}});
  CHECK(plan.extents == std::vector<IdExtent>{{0, 1000, 1}, {1, 100000, 65536}, {65537, 300000, 10}});
  CHECK(plan.refused.empty());
  CHECK(mapped_ids(plan.extents) == 65547);
}

TEST_CASE("ranges that would make the kernel refuse the whole map are left out and named") {
  SUBCASE("a range that holds the user's own id") {
    IdPlan plan = plan_id_map(1000, {{900, 200}, {100000, 5}});
    CHECK(plan.refused == std::vector<IdRange>{{900, 200}});
    CHECK(plan.extents == std::vector<IdExtent>{{0, 1000, 1}, {1, 100000, 5}});
  }
  SUBCASE("two ranges that overlap: the first one counts") {
    IdPlan plan = plan_id_map(1000, {{100000, 100}, {100099, 100}, {100100, 1}});
    CHECK(plan.refused == std::vector<IdRange>{{100099, 100}});
    CHECK(plan.extents.size() == 3);
  }
  SUBCASE("nothing, and more than there are ids") {
    IdPlan plan = plan_id_map(1000, {{5000, 0}, {4294967290u, 10}, {4294967290u, 5}});
    CHECK(plan.refused == std::vector<IdRange>{{5000, 0}, {4294967290u, 10}});
    CHECK(plan.extents.back() == IdExtent{1, 4294967290u, 5});
  }
  SUBCASE("more extents than a map may have") {
    std::vector<IdRange> many;
    for (uint32_t i = 0; i < 400; i++) many.push_back({100000 + 2 * i, 1});
    IdPlan plan = plan_id_map(1000, many);
    CHECK(plan.extents.size() == 340);
    CHECK(plan.refused.size() == 61);
  }
}

TEST_CASE("ids are counted up to the first gap") {
  CHECK(mapped_ids({}) == 0);
  CHECK(mapped_ids({{1, 100000, 65536}, {0, 1000, 1}}) == 65537);
  CHECK(mapped_ids({{0, 1000, 1}, {2, 5, 1}}) == 1);
}

TEST_CASE("a map is written as newuidmap wants it and read as the kernel shows it") {
  CHECK(id_map_arguments({{0, 1000, 1}, {1, 100000, 9}}) ==
        std::vector<std::string>{"0", "1000", "1", "1", "100000", "9"});
  CHECK(parse_id_map("         0       1000          1\n         1     100000          9\n") ==
        std::vector<IdExtent>{{0, 1000, 1}, {1, 100000, 9}});
  CHECK(parse_id_map("rubbish\n1 2\n").empty());
}
