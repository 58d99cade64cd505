// Numbers out of the kernel's small texts.
#pragma once

#include <string_view>

namespace lichen {

// The decimal number that begins at `at`, fractions included; 0 where none does.
double number_at(std::string_view text, size_t at);

// Where the value begins in the line `KEY VALUE` or `KEY: VALUE` (`key` with its separator, "KEY "); npos
// when there is no such line.
size_t value_start(std::string_view text, std::string_view key);

// The number of the line `KEY NUMBER` ("flat keyed" in cgroup-v2.rst; `key` with its space); NaN without one.
double flat_number(std::string_view text, std::string_view key);

// A text that is one number and a line end; NaN for any other, as `max`.
double whole_number(std::string_view text);

}  // namespace lichen
