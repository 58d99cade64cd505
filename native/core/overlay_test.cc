#include "core/overlay.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>

#include "../../test/native/scratch_directory.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

Status put(const std::string& path, const std::string& text) {
  LICHEN_ASSIGN(Fd fd, open_at({}, path, O_WRONLY | O_CREAT, 0644));
  return write_all(fd, text.data(), text.size());
}

std::string get(const Fd& mount, const std::string& path, int flags = O_RDONLY) {
  auto fd = open_at(mount, path, flags);
  if (!fd) return fd.error().code;
  return read_all(fd.value()).value();
}

// A temporary directory for one test, with its content removed after.
class Scratch {
 public:
  Scratch() {
    path_ = scratch_pattern("lichen-overlay-XXXXXX");
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~Scratch() {
    // overlayfs leaves a directory of mode 0 in its work directory.
    std::error_code ignored;
    std::filesystem::permissions(path_ + "/work/work", std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  std::string make(const std::string& name) const {
    std::filesystem::create_directories(path_ + "/" + name);
    return path_ + "/" + name;
  }

 private:
  std::string path_;
};

std::string writable_overlay(const Scratch& scratch) {
  std::string base = scratch.make("base");
  std::string top = scratch.make("top");
  std::string upper = scratch.make("upper");
  std::string work = scratch.make("work");
  TRY_TEXT(put(base + "/both", "base"));
  TRY_TEXT(put(base + "/hidden", "x"));
  TRY_TEXT(put(base + "/only", "only"));
  TRY_TEXT(put(top + "/both", "top"));
  if (mknod((top + "/hidden").c_str(), S_IFCHR, 0) != 0)
    return "skip: " + sys_error("mknod (whiteout)").text();
  auto mount = mount_overlay({.lower = {top, base}, .upper = upper, .work = work});
  if (!mount) return mount.error().text();
  if (get(mount.value(), "both") != "top") return "the first lower directory is not the topmost";
  if (get(mount.value(), "only") != "only") return "the second lower directory is missing";
  if (get(mount.value(), "hidden") != "ENOENT") return "a whiteout does not hide";
  if (!open_at(mount.value(), "new", O_WRONLY | O_CREAT, 0644)) return "not writable";
  if (access((upper + "/new").c_str(), F_OK) != 0) return "the new file is not in the upper directory";
  auto mounts = read_file("/proc/self/mounts");
  if (!mounts || mounts->find(upper) != std::string::npos) return "the mount is in the mount table";
  return "";
}

}  // namespace

TEST_CASE("an overlay is writable, ordered, and in no mount table") {
  Scratch scratch;
  std::string text = in_namespaces([&] { return writable_overlay(scratch); }, CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("without an upper directory nothing can be written, with one layer as with many") {
  Scratch scratch;
  std::string text = in_namespaces(
      [&]() -> std::string {
        std::string one = scratch.make("one");
        std::string two = scratch.make("two");
        TRY_TEXT(put(one + "/file", "1"));
        for (auto lower : {std::vector<std::string>{one}, std::vector<std::string>{one, two}}) {
          auto mount = mount_overlay({.lower = lower});
          if (!mount) return mount.error().text();
          if (get(mount.value(), "file") != "1") return "no content";
          if (get(mount.value(), "file", O_RDWR) != "EROFS") return "writable";
        }
        return "";
      },
      CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("what is mounted on a single layer's overlay does not reach the layer") {
  Scratch scratch;
  std::string text = in_namespaces(
      [&]() -> std::string {
        std::string layer = scratch.make("layer");
        std::string inner = scratch.make("layer/inner");
        std::string place = scratch.make("place");
        if (mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0)
          return sys_error("mount", "/ (rshared)").text();
        auto root = mount_overlay({.lower = {layer}});
        if (!root) return root.error().text();
        if (move_mount(root->get(), "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
          return sys_error("move_mount").text();
        if (mount("tmpfs", (place + "/inner").c_str(), "tmpfs", 0, nullptr) != 0)
          return sys_error("mount", "tmpfs").text();
        struct stat outside {
        }, below{};
        if (stat(layer.c_str(), &outside) != 0 || stat(inner.c_str(), &below) != 0)
          return sys_error("stat").text();
        return outside.st_dev == below.st_dev ? "" : "the mount propagated to the layer";
      },
      CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("long paths and many layers") {
  Scratch scratch;
  std::string text = in_namespaces(
      [&]() -> std::string {
        std::vector<std::string> lower;
        for (int i = 0; i < 60; i++) {
          lower.push_back(
              scratch.make(std::string(200, 'a') + "/" + std::string(100, 'b') + "/" + std::to_string(i)));
          TRY_TEXT(put(lower.back() + "/" + std::to_string(i), "x"));
        }
        auto mount = mount_overlay({.lower = lower});
        if (!mount) return mount.error().text();
        return get(mount.value(), "0") == "x" && get(mount.value(), "59") == "x" ? "" : "a layer is missing";
      },
      CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("a directory that is missing is named") {
  Scratch scratch;
  std::string one = scratch.make("one");
  std::string text = in_namespaces(
      [&]() -> std::string {
        auto mount = mount_overlay({.lower = {one, "/nonexistent/layer"}});
        auto tree = clone_tree("/nonexistent");
        if (tree || tree.error().code != "ENOENT") return "a missing tree was not refused";
        return mount ? "mounted" : mount.error().text();
      },
      CLONE_NEWNS);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text.find("lowerdir+ \"/nonexistent/layer\"") != std::string::npos);
  CHECK(text.find("ENOENT") != std::string::npos);
}

TEST_CASE("specifications that cannot be meant are refused") {
  CHECK(mount_overlay({}).error().code == "EINVAL");
  CHECK(mount_overlay({.lower = {"/a"}, .upper = "/b"}).error().code == "EINVAL");
  CHECK(mount_overlay({.lower = {"/a"}, .work = "/b"}).error().code == "EINVAL");
}
