// LayerWriter: the file system side of unpacking one image layer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

struct ExtendedAttribute {
  std::string name;
  std::string value;
};

// What an archive says about an entry beside its content.
struct Attributes {
  mode_t mode = 0;  // permission bits, with setuid, setgid and sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec modified{};
  std::vector<ExtendedAttribute> xattrs;
};

// What a finished layer amounts to.
struct LayerSummary {
  uint64_t bytes = 0;   // content of regular files
  uint64_t inodes = 0;  // everything made, hard links not counted
  uint64_t refused_xattrs = 0;
  // Left to settle_layer (layer_settle.h), which knows the layers below. Paths; "" is the root.
  std::vector<std::string> implied;    // directories that entries lie in but that no entry describes, sorted
  std::vector<std::string> whiteouts;  // what the layer hides
  std::vector<std::string> opaque;     // directories whose lower content the layer hides
};

// Writes the entries of one layer beneath a directory. Every path is relative, in its plain form ("a/b", no
// ".", no
// "..", no empty part); nothing is written outside the directory or through a symbolic link, whatever the
// order of the entries. A later entry of the same name replaces an earlier one; only directories over
// directories are merged. Hard links may name targets that come later. Directories get their attributes in
// finish(), when nothing changes their time stamps any more.
//
// Error codes of its own, beside errno names: PATH_THROUGH_SYMLINK, PATH_THROUGH_FILE, ID_OUTSIDE_MAP,
// HARD_LINK_WITHOUT_TARGET.
class LayerWriter {
 public:
  // `single_owner`: nothing is ever given to another owner than the caller (a user namespace that maps one
  // id).
  static Result<LayerWriter> open(const std::string& directory, bool single_owner);

  Status directory(const std::string& path, Attributes attributes);
  // A regular file: begin_file, append as often as needed, end_file.
  Status begin_file(const std::string& path, Attributes attributes);
  Status append(const void* data, size_t size);
  Status end_file();
  Status symlink(const std::string& path, const std::string& target, const Attributes& attributes);
  Status fifo(const std::string& path, Attributes attributes);
  Status hard_link(const std::string& path, const std::string& target);

  // Something that the layer hides, and a directory whose content below the layer hides: made by
  // settle_layer.
  Status whiteout(const std::string& path);
  Status opaque(const std::string& path);

  // Makes the remaining hard links and gives directories their attributes. The writer is of no use
  // afterwards.
  Result<LayerSummary> finish();

 private:
  struct HardLink {
    std::string path;
    std::string target;
  };

  LayerWriter(Fd root, bool single_owner) : root_(std::move(root)), single_owner_(single_owner) {}

  // Opens (and makes) the directory that `path` lies in; it stays open for the next entry, which often lies
  // there too.
  Status enter_parent(const std::string& path);
  Status open_directory(const std::string& path);
  // Runs `make` (a system call that makes `path`), and once more after removing what has been in the way.
  template <class Make>
  Status make_entry(const char* operation, const std::string& path, Make make);
  Status remove_existing(const std::string& path);
  // false: the target is not there (yet).
  Result<bool> try_hard_link(const HardLink& link);
  Status apply(const Fd& file, const std::string& path, const Attributes& attributes);
  // For what has no descriptor: `name_` in the entered parent.
  Status apply_by_name(const std::string& path, const Attributes& attributes, bool with_mode);
  Status owner_error(const std::string& path, const Attributes& attributes);

  Fd root_;
  bool single_owner_;
  // The directory entered last; `name_` is the last part of the entry's path.
  std::string parent_path_;
  Fd parent_;
  std::string name_;
  // The file being written.
  Fd file_;
  std::string file_path_;
  Attributes file_attributes_;
  // Every directory of the layer but implied ones, with what finish() gives it.
  std::map<std::string, Attributes> directories_;
  std::set<std::string> implied_{""};
  std::vector<HardLink> pending_links_;
  LayerSummary summary_;
};

}  // namespace lichen
