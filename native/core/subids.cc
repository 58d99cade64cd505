#include "core/subids.h"

#include "core/text.h"

namespace lichen {

std::vector<IdRange> parse_subid_file(std::string_view text, std::string_view name, uint32_t uid) {
  std::vector<IdRange> ranges;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> fields = split(trim(line), ':');
    if (fields.size() != 3) continue;
    bool ours = (!name.empty() && fields[0] == name) || parse_number<uint32_t>(fields[0]) == uid;
    auto start = parse_number<uint32_t>(fields[1]);
    auto count = parse_number<uint32_t>(fields[2]);
    if (ours && start && count) ranges.push_back({*start, *count});
  }
  return ranges;
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
