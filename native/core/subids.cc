#include "core/subids.h"

#include <algorithm>

#include "core/text.h"

namespace lichen {

namespace {

// Calls `take(owner, range)` for each well-formed line of /etc/subuid or /etc/subgid.
template <class Take>
void each_range(std::string_view text, const Take& take) {
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> fields = split(trim(line), ':');
    if (fields.size() != 3) continue;
    auto start = parse_number<uint32_t>(fields[1]);
    auto count = parse_number<uint32_t>(fields[2]);
    if (start && count) take(fields[0], IdRange{*start, *count});
  }
}

}  // namespace

std::vector<IdRange> parse_subid_file(std::string_view text, std::string_view name, uint32_t uid) {
  std::vector<IdRange> ranges;
  each_range(text, [&](std::string_view owner, const IdRange& range) {
    bool ours = (!name.empty() && owner == name) || parse_number<uint32_t>(owner) == uid;
    if (ours) ranges.push_back(range);
  });
  return ranges;
}

uint64_t first_free_subid(std::string_view text) {
  uint64_t first = 100000;
  each_range(text, [&](std::string_view, const IdRange& range) {
    first = std::max(first, uint64_t{range.start} + range.count);
  });
  return first;
}

std::vector<IdRange> parse_getsubids(std::string_view output) {
  std::vector<IdRange> ranges;
  for (std::string_view line : split(output, '\n')) {
    std::vector<std::string_view> words = split_words(trim(line));
    if (words.size() != 4 || !words[0].ends_with(':')) continue;
    auto start = parse_number<uint32_t>(words[2]);
    auto count = parse_number<uint32_t>(words[3]);
    if (start && count) ranges.push_back({*start, *count});
  }
  return ranges;
}

std::string parse_passwd_name(std::string_view text, uint32_t uid) {
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> fields = split(line, ':');
    if (fields.size() >= 3 && parse_number<uint32_t>(fields[2]) == uid) return std::string(fields[0]);
  }
  return "";
}

}  // namespace lichen
