// The attributes of a layer's directories, kept until everything in them is written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/fd.h"
#include "core/layer_entry.h"
#include "core/result.h"

namespace lichen {

// Remembers directories in the order in which they came. Takes the same memory for ten of them as for ten
// million: what is too much for a buffer goes to a file without a name beside the layer.
class DirectoryAttributes {
 public:
  // `place`: a directory whose file system takes the file; it must live as long as this.
  explicit DirectoryAttributes(const Fd& place) : place_(&place) {}

  // A later note of the same directory counts.
  Status note(const std::string& path, const Attributes& attributes);
  // The directory is there no more; what was noted of it, and of what was in it, is void.
  void removed(const std::string& path);
  // Calls `apply` with each directory that is still there, in order; one noted twice comes twice.
  Status each(const std::function<Status(const std::string& path, const Attributes& attributes)>& apply);

  // Bytes of memory that grow with what was removed.
  size_t retained() const { return retained_; }

 private:
  Status spill();
  Status each_in(const std::string& records,
                 const std::function<Status(const std::string& path, const Attributes& attributes)>& apply);
  bool gone(const std::string& path, uint64_t index) const;

  const Fd* place_;
  std::string buffer_;
  Fd file_;
  uint64_t notes_ = 0;
  // How many notes there were when a directory was removed.
  std::map<std::string, uint64_t> removed_;
  size_t retained_ = 0;
  uint64_t replayed_ = 0;
};

}  // namespace lichen
