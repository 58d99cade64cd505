#include "core/layer_directories.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/layer_record.h"

namespace lichen {

namespace {

// Layers of ordinary images never fill it.
constexpr size_t kBufferBytes = 1 << 20;
constexpr size_t kOverheadBytes = 96;

Status read_exactly(const Fd& file, char* data, size_t size) {
  while (size > 0) {
    ssize_t got = read(file.get(), data, size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys_error("read", "directories of the layer");
    if (got == 0) return plain_error("TRUNCATED", "read", "directories of the layer", "it ends early");
    data += got;
    size -= static_cast<size_t>(got);
  }
  return {};
}

}  // namespace

Status DirectoryAttributes::note(const std::string& path, const Attributes& attributes) {
  put_bytes(buffer_, path);
  put_attributes(buffer_, attributes);
  notes_++;
  if (buffer_.size() < kBufferBytes) return {};
  return spill();
}

// The file: blocks of records, each after its length.
Status DirectoryAttributes::spill() {
  if (!file_) {
    int fd = openat(place_->get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    // File systems without O_TMPFILE: memory then, as before.
    if (fd < 0) fd = memfd_create("lichen-directories", MFD_CLOEXEC);
    if (fd < 0) return sys_error("memfd_create");
    file_ = Fd(fd);
  }
  uint64_t size = buffer_.size();
  LICHEN_TRY(write_all(file_, &size, sizeof size));
  LICHEN_TRY(write_all(file_, buffer_.data(), buffer_.size()));
  buffer_.clear();
  return {};
}

void DirectoryAttributes::removed(const std::string& path) {
  if (notes_ == 0) return;
  auto [at, added] = removed_.insert_or_assign(path, notes_);
  if (added) retained_ += path.size() + kOverheadBytes;
}

bool DirectoryAttributes::gone(const std::string& path, uint64_t index) const {
  for (size_t end = path.size(); !removed_.empty() && end != std::string::npos && end > 0;
       end = path.rfind('/', end - 1)) {
    auto found = removed_.find(path.substr(0, end));
    if (found != removed_.end() && found->second > index) return true;
  }
  return false;
}

Status DirectoryAttributes::each_in(
    const std::string& records,
    const std::function<Status(const std::string& path, const Attributes& attributes)>& apply) {
  RecordReader reader(reinterpret_cast<const uint8_t*>(records.data()), records.size());
  while (!reader.done()) {
    std::string path = reader.bytes();
    Attributes attributes = reader.attributes();
    if (!reader.ok()) return plain_error("TRUNCATED", "read", "directories of the layer", "it ends early");
    if (!gone(path, replayed_++)) LICHEN_TRY(apply(path, attributes));
  }
  return {};
}

Status DirectoryAttributes::each(
    const std::function<Status(const std::string& path, const Attributes& attributes)>& apply) {
  replayed_ = 0;
  if (file_) {
    off_t end = lseek(file_.get(), 0, SEEK_CUR);
    if (end < 0 || lseek(file_.get(), 0, SEEK_SET) < 0) return sys_error("lseek");
    std::string block;
    for (off_t at = 0; at < end;) {
      uint64_t size = 0;
      LICHEN_TRY(read_exactly(file_, reinterpret_cast<char*>(&size), sizeof size));
      block.resize(size);
      LICHEN_TRY(read_exactly(file_, block.data(), size));
      LICHEN_TRY(each_in(block, apply));
      at += static_cast<off_t>(sizeof size + size);
    }
  }
  return each_in(buffer_, apply);
}

}  // namespace lichen
