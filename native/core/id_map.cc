#include "core/id_map.h"

#include <algorithm>

#include "core/text.h"

namespace lichen {

namespace {

constexpr size_t kMaxExtents = 340;            // UID_GID_MAP_MAX_EXTENTS
constexpr uint64_t kLastId = UINT32_MAX - 1u;  // 2^32 - 1 means "no id"

bool overlaps(uint64_t a, uint64_t a_count, uint64_t b, uint64_t b_count) {
  return a < b + b_count && b < a + a_count;
}

}  // namespace

IdPlan plan_id_map(uint32_t own, const std::vector<IdRange>& ranges) {
  IdPlan plan{{{0, own, 1}}, {}};
  uint64_t inside = 1;
  for (const IdRange& range : ranges) {
    bool taken = std::any_of(plan.extents.begin(), plan.extents.end(), [&](const IdExtent& extent) {
      return overlaps(extent.outside, extent.count, range.start, range.count);
    });
    bool too_high = uint64_t{range.start} + range.count > kLastId + 1 || inside + range.count > kLastId + 1;
    if (range.count == 0 || taken || too_high || plan.extents.size() == kMaxExtents) {
      plan.refused.push_back(range);
      continue;
    }
    plan.extents.push_back({static_cast<uint32_t>(inside), range.start, range.count});
    inside += range.count;
  }
  return plan;
}

uint32_t mapped_ids(const std::vector<IdExtent>& extents) {
  std::vector<IdExtent> sorted = extents;
  std::sort(sorted.begin(), sorted.end(), [](auto& a, auto& b) { return a.inside < b.inside; });
  uint32_t next = 0;
  for (const IdExtent& extent : sorted) {
    if (extent.inside != next) break;
    next += extent.count;
  }
  return next;
}

std::vector<std::string> id_map_arguments(const std::vector<IdExtent>& extents) {
  std::vector<std::string> arguments;
  for (const IdExtent& extent : extents) {
    for (uint32_t number : {extent.inside, extent.outside, extent.count})
      arguments.push_back(std::to_string(number));
  }
  return arguments;
}

std::vector<IdExtent> parse_id_map(std::string_view text) {
  std::vector<IdExtent> extents;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split_words(line);
    if (words.size() != 3) continue;
    auto inside = parse_number<uint32_t>(words[0]);
    auto outside = parse_number<uint32_t>(words[1]);
    auto count = parse_number<uint32_t>(words[2]);
    if (inside && outside && count) extents.push_back({*inside, *outside, *count});
  }
  return extents;
}

}  // namespace lichen
