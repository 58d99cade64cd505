// Entries of a layer as bytes: how JavaScript hands many of them over in one call (src/native/layer-batch.ts
// writes the same form), and how the attributes of directories wait for the end of a layer.
//
// All numbers are little-endian and unaligned. bytes: u32 length, then so many bytes. attributes: u32 mode,
// u32 uid, u32 gid, f64 seconds, u32 nanoseconds, u32 number of extended attributes, and of each name and
// value as bytes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "core/layer_entry.h"

namespace lichen {

// Reads one record after another. After anything that is not whole, ok() is false and everything reads as
// nothing.
class RecordReader {
 public:
  RecordReader(const uint8_t* data, size_t size) : at_(data), end_(data + size) {}

  bool ok() const { return ok_; }
  bool done() const { return at_ == end_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  template <class Number>
  Number number() {
    Number value{};
    if (!take(sizeof value)) return value;
    std::memcpy(&value, at_ - sizeof value, sizeof value);
    return value;
  }

  std::string bytes() {
    uint32_t size = number<uint32_t>();
    if (!take(size)) return {};
    return std::string(reinterpret_cast<const char*>(at_ - size), size);
  }

  Attributes attributes();

 private:
  bool take(size_t size) {
    if (size > left()) {
      ok_ = false;
      at_ = end_;
      return false;
    }
    at_ += size;
    return true;
  }

  const uint8_t* at_;
  const uint8_t* end_;
  bool ok_ = true;
};

// Adds to a record what RecordReader reads.
template <class Number>
void put_number(std::string& record, Number value) {
  record.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_bytes(std::string& record, const std::string& bytes);
void put_attributes(std::string& record, const Attributes& attributes);

}  // namespace lichen
