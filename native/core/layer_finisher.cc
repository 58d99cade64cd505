#include "core/layer_finisher.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/beneath.h"

namespace lichen {

namespace {

// Open files that wait, each with a descriptor.
constexpr size_t kLongestQueue = 64;
// The thread is woken for so many at once: waking it costs as much as a small file does.
constexpr size_t kWorthWaking = 16;

// An attribute that the file system or the kernel does not take from us is no reason to refuse a layer.
bool tolerable(int number) { return number == EPERM || number == EOPNOTSUPP || number == EINVAL; }

}  // namespace

Status owner_error(int number, const std::string& path, const Attributes& attributes) {
  std::string object =
      quoted(path) + " to " + std::to_string(attributes.uid) + ":" + std::to_string(attributes.gid);
  if (number == EINVAL)
    return plain_error("ID_OUTSIDE_MAP", "chown", object, "the user namespace of this node maps no such id");
  return sys_error("chown", object, number);
}

Status apply_attributes(const Fd& file, const std::string& path, const Attributes& attributes, bool born,
                        const ApplyRules& rules, uint64_t& refused) {
  bool foreign = !rules.single_owner && (attributes.uid != 0 || attributes.gid != 0);
  if (foreign && fchown(file.get(), attributes.uid, attributes.gid) != 0)
    return owner_error(errno, path, attributes);
  for (const ExtendedAttribute& xattr : attributes.xattrs) {
    if (fsetxattr(file.get(), xattr.name.c_str(), xattr.value.data(), xattr.value.size(), 0) == 0) continue;
    if (!tolerable(errno)) return sys_error("fsetxattr", quoted(path) + " " + xattr.name);
    refused++;
  }
  // After fchown, which clears setuid and setgid. A file that was born with its mode needs no other call.
  bool has_mode =
      born && !foreign && attributes.xattrs.empty() && (attributes.mode & (kSpecial | rules.umask)) == 0;
  if (!has_mode && fchmod(file.get(), attributes.mode & kPermissions) != 0)
    return sys_error("fchmod", quoted(path));
  const timespec times[2] = {attributes.modified, attributes.modified};
  if (futimens(file.get(), times) != 0) return sys_error("futimens", quoted(path));
  return {};
}

LayerFinisher::~LayerFinisher() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
    jobs_.clear();
  }
  wanted_.notify_one();
  thread_.join();
}

Status LayerFinisher::take(Fd file, std::string path, Attributes attributes, std::vector<Memory> pieces) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  done_.wait(lock, [&] { return jobs_.size() < kLongestQueue; });
  if (failed_) return *failed_;
  jobs_.push_back({std::move(file), std::move(path), std::move(attributes), std::move(pieces)});
  bool wake = !working_ && jobs_.size() >= kWorthWaking;
  lock.unlock();
  if (wake) wanted_.notify_one();
  return {};
}

Status LayerFinisher::drain() {
  std::unique_lock lock(mutex_);
  if (!jobs_.empty() && !working_) {
    // The thread sleeps over what is too little to wake it for: done here.
    std::deque<Job> rest = std::exchange(jobs_, {});
    for (Job& job : rest) {
      if (failed_) break;
      if (Status finished = finish(job); !finished) failed_ = finished.error();
    }
  }
  done_.wait(lock, [&] { return jobs_.empty() && !working_; });
  if (failed_) return *failed_;
  return {};
}

void LayerFinisher::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return ending_ || jobs_.size() >= kWorthWaking; });
    if (ending_) return;
    working_ = true;
    while (!jobs_.empty()) {
      std::deque<Job> some = std::exchange(jobs_, {});
      bool failed = failed_.has_value();
      lock.unlock();
      done_.notify_one();
      std::optional<Error> first;
      for (Job& job : some) {
        if (failed) break;
        if (Status finished = finish(job); !finished) {
          first = finished.error();
          failed = true;
        }
      }
      some.clear();
      lock.lock();
      if (first && !failed_) failed_ = std::move(first);
    }
    working_ = false;
    done_.notify_one();
  }
}

Status LayerFinisher::finish(Job& job) {
  for (const Memory& piece : job.pieces) {
    auto written = write_all(job.file, piece.data, piece.size);
    if (!written) return sys_error("write", quoted(job.path), written.error().number);
  }
  LICHEN_TRY(apply_attributes(job.file, job.path, job.attributes, true, rules_, refused_));
  auto closed = job.file.close();
  if (!closed) return sys_error("close", quoted(job.path), closed.error().number);
  return {};
}

}  // namespace lichen
