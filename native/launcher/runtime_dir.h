// The runtime directory R of one node, locked by its launcher.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/process_identity.h"

namespace lichen::launcher {

// Makes the directory and its missing parents, 0700. One that exists is left as it is.
Status make_directories(const std::string& path);

class RuntimeDirectory {
 public:
  // Makes R (0700, missing parents too) and locks it until this object or the process ends. Code LOCKED,
  // naming the holder's PID, when another launcher has it; UNSAFE_DIRECTORY when it is not ours or a symbolic
  // link.
  static Result<RuntimeDirectory> open(const std::string& path);

  const std::string& path() const { return path_; }
  // "<device>:<inode>": the same directory by whatever path, another one at the same path in another mount
  // namespace.
  std::string identity() const;
  std::string file(const std::string& name) const { return path_ + "/" + name; }

  // `<name>` as a PID file, replaced in one step.
  Status write_pid(const std::string& name, const ProcessIdentity& process) const;
  // A whole file, replaced in one step. Mode 0600.
  Status write(const std::string& name, const std::string& text) const;
  void remove(const std::string& name) const;

 private:
  RuntimeDirectory(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  Fd lock_;
};

// The process that a PID file in R means, while it lives.
std::optional<ProcessIdentity> read_live_pid(const std::string& file);

// The live ones of R/pods/*/monitor.pid.
std::vector<ProcessIdentity> live_monitors(const std::string& runtime_dir);

}  // namespace lichen::launcher
