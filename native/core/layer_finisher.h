// The second half of making a regular file of a layer: content, owner, attributes and times, by descriptor.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/fd.h"
#include "core/layer_entry.h"
#include "core/result.h"

namespace lichen {

// Memory that contents of files lie in, owned by somebody else; also a piece of it.
struct Memory {
  const uint8_t* data;
  size_t size;
};

// How attributes are given: `single_owner` as LayerWriter::open has it.
struct ApplyRules {
  bool single_owner;
  mode_t umask;
};

// Gives an open file or directory its owner, extended attributes, mode and time. `born`: it was made with the
// mode of `attributes`. Counts in `refused` the extended attributes that the file system does not take.
// Codes: ID_OUTSIDE_MAP, or errno names; `path` is what they are about.
Status apply_attributes(const Fd& file, const std::string& path, const Attributes& attributes, bool born,
                        const ApplyRules& rules, uint64_t& refused);

// chown(2) has failed with this errno.
Status owner_error(int number, const std::string& path, const Attributes& attributes);

// Does its work in a thread of its own while the caller makes the next files: half of the time that a small
// file takes is the kernel's, for its content. Which file is made when, and what it replaces, is decided
// before; a descriptor does not mind what becomes of its name.
class LayerFinisher {
 public:
  explicit LayerFinisher(ApplyRules rules) : rules_(rules) {}
  LayerFinisher(const LayerFinisher&) = delete;
  LayerFinisher& operator=(const LayerFinisher&) = delete;
  // Waits for what is under way; what waits is dropped.
  ~LayerFinisher();

  // Takes an empty file that was made with the mode of `attributes`. What the pieces lie in must stay as it
  // is until drain(). Waits while many files are waiting. The error of a file before it, if one has failed.
  Status take(Fd file, std::string path, Attributes attributes, std::vector<Memory> pieces);

  // Waits until every file is done. The error of the first that failed.
  Status drain();

  // Extended attributes that were not taken; only to be asked after drain().
  uint64_t refused() const { return refused_; }

 private:
  struct Job {
    Fd file;
    std::string path;
    Attributes attributes;
    std::vector<Memory> pieces;
  };

  void run();
  Status finish(Job& job);

  ApplyRules rules_;
  std::mutex mutex_;
  std::condition_variable wanted_;  // jobs_ or ending_ has changed
  std::condition_variable done_;    // jobs_ or working_ has changed
  std::deque<Job> jobs_;
  bool working_ = false;
  bool ending_ = false;
  std::optional<Error> failed_;
  uint64_t refused_ = 0;  // the thread's while it works
  std::thread thread_;    // begun with the first file
};

}  // namespace lichen
