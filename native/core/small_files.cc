#include "core/small_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lichen {

namespace {

constexpr size_t kUsual = 16 << 10;
constexpr size_t kLongest = 1 << 20;

}  // namespace

SmallFiles::SmallFiles() : memory_(kUsual, '\0') {}

std::optional<std::string_view> SmallFiles::read(const Fd& directory, const char* path) {
  int from = directory ? directory.get() : AT_FDCWD;
  Fd file(openat(from, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::nullopt;
  size_t size = 0;
  for (;;) {
    if (size == memory_.size()) {
      if (size >= kLongest) break;
      memory_.resize(size * 2);
    }
    ssize_t count = ::read(file.get(), memory_.data() + size, memory_.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  return std::string_view(memory_).substr(0, size);
}

}  // namespace lichen
