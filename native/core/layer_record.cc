#include "core/layer_record.h"

namespace lichen {

Attributes RecordReader::attributes() {
  Attributes read;
  read.mode = number<uint32_t>();
  read.uid = number<uint32_t>();
  read.gid = number<uint32_t>();
  read.modified.tv_sec = static_cast<time_t>(number<double>());
  read.modified.tv_nsec = number<uint32_t>();
  uint32_t count = number<uint32_t>();
  for (uint32_t i = 0; i < count && ok(); i++) {
    std::string name = bytes();
    std::string value = bytes();
    if (ok()) read.xattrs.push_back({std::move(name), std::move(value)});
  }
  return read;
}

void put_bytes(std::string& record, const std::string& bytes) {
  put_number(record, static_cast<uint32_t>(bytes.size()));
  record.append(bytes);
}

void put_attributes(std::string& record, const Attributes& attributes) {
  put_number(record, static_cast<uint32_t>(attributes.mode));
  put_number(record, static_cast<uint32_t>(attributes.uid));
  put_number(record, static_cast<uint32_t>(attributes.gid));
  put_number(record, static_cast<double>(attributes.modified.tv_sec));
  put_number(record, static_cast<uint32_t>(attributes.modified.tv_nsec));
  put_number(record, static_cast<uint32_t>(attributes.xattrs.size()));
  for (const ExtendedAttribute& xattr : attributes.xattrs) {
    put_bytes(record, xattr.name);
    put_bytes(record, xattr.value);
  }
}

}  // namespace lichen
