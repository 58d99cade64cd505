#include "core/small_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/fd.h"

namespace lichen {

namespace {

constexpr size_t kLongest = 1 << 20;

// One read for nearly every file: the kernel makes such a text anew at each offset of zero.
std::optional<std::string> read_small_file(const std::string& path) {
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::nullopt;
  std::string text;
  std::array<char, 8192> part;
  while (text.size() < kLongest) {
    ssize_t count = read(file.get(), part.data(), part.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    text.append(part.data(), static_cast<size_t>(count));
  }
  return text;
}

}  // namespace

std::vector<std::optional<std::string>> read_small_files(const std::vector<std::string>& paths) {
  std::vector<std::optional<std::string>> texts;
  texts.reserve(paths.size());
  for (const std::string& path : paths) texts.push_back(read_small_file(path));
  return texts;
}

}  // namespace lichen
