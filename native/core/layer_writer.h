// LayerWriter: the file system side of unpacking one image layer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/layer_directories.h"
#include "core/layer_entry.h"
#include "core/layer_finisher.h"
#include "core/result.h"

namespace lichen {

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
// finish(), when nothing changes their time stamps any more. Memory does not grow with the number of files
// and directories; what it does grow with (whiteouts, links that wait for their target, directories that no
// entry describes) is limited.
//
// Error codes of its own, beside errno names: PATH_THROUGH_SYMLINK, PATH_THROUGH_FILE, ID_OUTSIDE_MAP,
// HARD_LINK_WITHOUT_TARGET, TOO_MANY_NAMES.
class LayerWriter {
 public:
  // `single_owner`: nothing is ever given to another owner than the caller (a user namespace that maps one
  // id).
  static Result<LayerWriter> open(const std::string& directory, bool single_owner);

  Status directory(const std::string& path, Attributes attributes);
  // A regular file of which the whole content is at hand, which is written by another thread: what the pieces
  // lie in must stay as it is until drain().
  Status file(const std::string& path, Attributes attributes, std::vector<Memory> pieces);
  // Waits until every such file is complete. The error of the first that failed.
  Status drain();
  // A regular file that comes bit by bit: begin_file, append as often as needed, end_file.
  Status begin_file(const std::string& path, Attributes attributes);
  Status append(const void* data, size_t size);
  // Bytes of nothing, for which the file system keeps no blocks; they read as zeros.
  Status hole(uint64_t size);
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

  LayerWriter(Fd root, bool single_owner);

  // Opens (and makes) the directory that `path` lies in; it stays open for the next entry, which often lies
  // there too.
  Status enter_parent(const std::string& path);
  // `entry` is what the error is about.
  Status open_directory(const std::string& path, const std::string& entry);
  // Counts a name that is kept in memory until the end.
  Status retain(const std::string& name);
  // Runs `make` (a system call that makes `path`), and once more after removing what has been in the way.
  template <class Make>
  Status make_entry(const char* operation, const std::string& path, Make make);
  Status remove_existing(const std::string& path);
  // false: the target is not there (yet).
  Result<bool> try_hard_link(const HardLink& link);
  // Makes the empty file, with the mode that it may have from the beginning.
  Result<Fd> create_file(const std::string& path, const Attributes& attributes);
  // For what has no descriptor: `name_` in the entered parent.
  Status apply_by_name(const std::string& path, const Attributes& attributes, bool with_mode);

  // On the heap: directories_ refers to it, and the writer is moved.
  std::unique_ptr<Fd> root_owner_;
  Fd& root_;
  ApplyRules rules_;
  // On the heap: its thread holds on to it.
  std::unique_ptr<LayerFinisher> finisher_;
  // The directory entered last; `name_` is the last part of the entry's path.
  std::string parent_path_;
  Fd parent_;
  std::string name_;
  // The file being written.
  Fd file_;
  std::string file_path_;
  Attributes file_attributes_;
  uint64_t file_size_ = 0;
  bool ends_in_hole_ = false;
  // Every directory of the layer but implied ones, with what finish() gives it.
  DirectoryAttributes directories_;
  std::set<std::string> implied_{""};
  std::vector<HardLink> pending_links_;
  size_t retained_ = 0;
  LayerSummary summary_;
};

}  // namespace lichen
