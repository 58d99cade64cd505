// For tests that write files: a directory of its own, removed at the end.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <string>

#include "core/beneath.h"
#include "core/fd.h"

// A pattern for mkstemp(3) or mkdtemp(3) in the directory for temporary files.
inline std::string scratch_pattern(const std::string& name) {
  const char* directory = getenv("TMPDIR");
  return std::string(directory != nullptr ? directory : "/tmp") + "/" + name;
}

class ScratchDirectory {
 public:
  ScratchDirectory() {
    path_ = scratch_pattern("lichen-test-XXXXXX");
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    size_t slash = path_.rfind('/');
    auto parent = lichen::open_at({}, path_.substr(0, slash), O_RDONLY | O_DIRECTORY);
    REQUIRE(parent);
    CHECK_MESSAGE(lichen::remove_tree_at(parent.value(), path_.substr(slash + 1)), path_);
  }

  const std::string& path() const { return path_; }
  std::string path(const std::string& name) const { return path_ + "/" + name; }
  lichen::Fd open() const {
    auto fd = lichen::open_at({}, path_, O_RDONLY | O_DIRECTORY);
    REQUIRE(fd.ok());
    return std::move(fd.value());
  }
  // Makes a directory and gives its path.
  std::string directory(const std::string& name, mode_t mode = 0755) const {
    REQUIRE(mkdir(path(name).c_str(), mode) == 0);
    REQUIRE(chmod(path(name).c_str(), mode) == 0);
    return path(name);
  }
  void file(const std::string& name, const std::string& text) const {
    auto fd = lichen::open_at({}, path(name), O_CREAT | O_WRONLY, 0644);
    REQUIRE(fd.ok());
    REQUIRE(lichen::write_all(fd.value(), text.data(), text.size()).ok());
  }
  // lstat(2); st_mode is 0 when there is nothing.
  struct stat look(const std::string& name) const {
    struct stat found {};
    if (lstat(path(name).c_str(), &found) != 0) return {};
    return found;
  }
  std::string read(const std::string& name) const {
    auto text = lichen::read_file(path(name));
    REQUIRE(text.ok());
    return text.value();
  }

 private:
  std::string path_;
};
