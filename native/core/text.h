// Small text: splitting and numbers, as /proc and /etc files need them.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

namespace lichen {

// The pieces between separators; an empty piece stays, the empty text has one.
std::vector<std::string_view> split(std::string_view text, char separator);

// The words between blanks and tabs.
std::vector<std::string_view> split_words(std::string_view text);

// Without blanks, tabs and line ends at both ends.
std::string_view trim(std::string_view text);

// The whole text as a number of type T; nothing for anything else, also when it does not fit.
template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T number{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace lichen
