#include "core/usage_text.h"

#include <cstdint>

#include "core/text.h"
#include "core/usage_figures.h"

namespace lichen {

namespace {

bool is_digit(std::string_view text, size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

}  // namespace

double number_at(std::string_view text, size_t at) {
  double value = 0;
  for (; is_digit(text, at); at++) value = value * 10 + (text[at] - '0');
  if (at >= text.size() || text[at] != '.') return value;
  double fraction = 0;
  double scale = 1;
  for (at++; is_digit(text, at); at++) {
    fraction = fraction * 10 + (text[at] - '0');
    scale *= 10;
  }
  return value + fraction / scale;
}

size_t value_start(std::string_view text, std::string_view key) {
  for (size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at > 0 && text[at - 1] != '\n') continue;
    return text.find_first_not_of(' ', at + key.size());
  }
  return std::string_view::npos;
}

double flat_number(std::string_view text, std::string_view key) {
  size_t at = value_start(text, key);
  return is_digit(text, at) ? number_at(text, at) : kUnknown;
}

double whole_number(std::string_view text) {
  auto number = parse_number<uint64_t>(trim(text));
  return number ? static_cast<double>(*number) : kUnknown;
}

}  // namespace lichen
