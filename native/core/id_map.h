// Maps between the ids inside a user namespace and those outside (user_namespaces(7), "uid_map and gid_map").
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lichen {

// One line of uid_map: `count` ids from `inside` on are those from `outside` on.
struct IdExtent {
  uint32_t inside = 0;
  uint32_t outside = 0;
  uint32_t count = 0;

  bool operator==(const IdExtent&) const = default;
};

// A range of subordinate ids that the administrator gave to a user (subuid(5)).
struct IdRange {
  uint32_t start = 0;
  uint32_t count = 0;

  bool operator==(const IdRange&) const = default;
};

// What plan_id_map() made of the ranges, and which of them it had to leave out.
struct IdPlan {
  std::vector<IdExtent> extents;
  std::vector<IdRange> refused;  // empty, overlapping `own` or an earlier range, or beyond 2^32 - 2
};

// 0 inside is `own` outside; 1 and following are the ranges in the order given. The kernel refuses a whole
// map whose extents overlap, and takes at most 340 lines, so ranges that would spoil it are left out and
// named.
IdPlan plan_id_map(uint32_t own, const std::vector<IdRange>& ranges);

// How many ids from 0 on are mapped without a gap: a container's ids must be below.
uint32_t mapped_ids(const std::vector<IdExtent>& extents);

// The arguments of newuidmap(1) after the PID: inside, outside, count of every extent.
std::vector<std::string> id_map_arguments(const std::vector<IdExtent>& extents);

// The text of a uid_map file; lines that are not three numbers are left out.
std::vector<IdExtent> parse_id_map(std::string_view text);

}  // namespace lichen
