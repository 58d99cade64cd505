#include "launcher/cgroup_path.h"

#include <cstdint>
#include <cstdio>

#include "core/text.h"

namespace lichen::launcher {

namespace {

// Blanks and backslashes in mountinfo are octal: `\040`.
std::string unescape(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); i++) {
    auto code = text[i] == '\\' && i + 3 < text.size() ? parse_number<unsigned char>(text.substr(i + 1, 3), 8)
                                                       : std::nullopt;
    plain += code ? static_cast<char>(*code) : text[i];
    if (code) i += 3;
  }
  return plain;
}

// What follows `prefix` as whole path components: "" or "/…".
std::optional<std::string> below(const std::string& prefix, const std::string& path) {
  if (prefix == "/") return path == "/" ? "" : path;
  if (!path.starts_with(prefix)) return std::nullopt;
  std::string rest = path.substr(prefix.size());
  if (!rest.empty() && rest[0] != '/') return std::nullopt;
  return rest;
}

}  // namespace

std::optional<CgroupMount> find_cgroup_mount(std::string_view mountinfo) {
  std::optional<CgroupMount> found;
  for (std::string_view line : split(mountinfo, '\n')) {
    std::vector<std::string_view> words = split_words(line);
    size_t dash = 6;
    while (dash < words.size() && words[dash] != "-") dash++;
    if (dash + 1 < words.size() && words[dash + 1] == "cgroup2")
      found = CgroupMount{unescape(words[4]), unescape(words[3])};
  }
  return found;
}

std::optional<std::string> find_cgroup_path(std::string_view cgroup) {
  for (std::string_view line : split(cgroup, '\n'))
    if (line.starts_with("0::/")) return std::string(line.substr(3));
  return std::nullopt;
}

std::optional<std::string> cgroup_directory(const CgroupMount& mount, const std::string& path) {
  auto rest = below(mount.root, path);
  // "/../x": the process was moved out of its cgroup namespace's root.
  if (!rest || rest->starts_with("/..")) return std::nullopt;
  return mount.point + *rest;
}

std::optional<std::string> cgroup_path_of(const CgroupMount& mount, const std::string& directory) {
  auto rest = below(mount.point, directory);
  if (!rest) return std::nullopt;
  std::string path = (mount.root == "/" ? "" : mount.root) + *rest;
  return path.empty() ? "/" : path;
}

bool is_unit(const std::string& path) { return path.ends_with(".service") || path.ends_with(".scope"); }

std::string subtree_name(const std::string& identity) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (unsigned char byte : identity) hash = (hash ^ byte) * 16777619u;
  char name[32];
  std::snprintf(name, sizeof name, "lichen-%08x", hash);
  return name;
}

}  // namespace lichen::launcher
