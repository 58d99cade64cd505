// What the kernel tells of the test's own process.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// How many descriptors are open, the one by which this looks included.
inline long open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

// A field of /proc/self/status in KiB (proc_pid_status(5)): "RssAnon", "RssFile"; -1 for one that is not
// there.
inline long status_kib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  std::string word;
  long kib = -1;
  while (status >> word)
    if (word == field + ":") status >> kib;
  return kib;
}
