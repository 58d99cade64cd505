#include "core/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace lichen {

void Fd::reset() {
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Status Fd::close() {
  if (number_ < 0) return {};
  if (::close(std::exchange(number_, -1)) != 0 && errno != EINTR) return sys_error("close");
  return {};
}

Result<Fd> Fd::duplicate() const {
  int copy = fcntl(number_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return sys_error("fcntl(F_DUPFD_CLOEXEC)");
  return Fd(copy);
}

Result<Pipe> make_pipe(int flags) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | flags) != 0) return sys_error("pipe2");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> open_at(const Fd& directory, const std::string& path, int flags, unsigned mode) {
  int at = directory ? directory.get() : AT_FDCWD;
  int number = openat(at, path.c_str(), flags | O_CLOEXEC, mode);
  if (number < 0) return sys_error("open", "\"" + path + "\"");
  return Fd(number);
}

Result<std::string> read_all(const Fd& fd) {
  std::string text;
  char chunk[16384];
  for (;;) {
    ssize_t n = read(fd.get(), chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("read");
    if (n == 0) return text;
    text.append(chunk, static_cast<size_t>(n));
  }
}

std::string self_path(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

Result<std::string> read_file(const std::string& path) {
  LICHEN_ASSIGN(Fd fd, open_at({}, path, O_RDONLY));
  auto text = read_all(fd);
  if (!text) return std::move(text).error().about("read", "\"" + path + "\"");
  return text;
}

Status write_file(const std::string& path, const std::string& text) {
  LICHEN_ASSIGN(Fd fd, open_at({}, path, O_WRONLY));
  ssize_t n;
  do n = write(fd.get(), text.data(), text.size());
  while (n < 0 && errno == EINTR);
  if (n < 0 || static_cast<size_t>(n) != text.size())
    return sys_error("write", "\"" + path + "\"", n < 0 ? errno : EIO);
  return {};
}

Status write_all(const Fd& fd, const void* data, size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t n = write(fd.get(), at, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error("write");
    at += n;
    size -= static_cast<size_t>(n);
  }
  return {};
}

}  // namespace lichen
