// Many entries of a layer in one go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/layer_writer.h"
#include "core/result.h"

namespace lichen {

// What the first byte of a record says, and what follows it (layer_record.h has the forms).
enum class LayerRecord : uint8_t {
  kDirectory = 1,  // path, attributes
  kFile = 2,       // path, attributes; content, holes and the end belong to it
  kContent = 3,    // u32 which of the memories, u32 offset, u32 size
  kHole = 4,       // f64 number of bytes
  kEndFile = 5,
  kSymlink = 6,   // path, target, attributes
  kFifo = 7,      // path, attributes
  kHardLink = 8,  // path, target
  kWhiteout = 9,  // path
  kOpaque = 10,   // path
};

// Gives the writer every entry of `records`, whose contents lie in `memories`. Ends at the first that fails.
// Code MALFORMED_RECORD: the records are not whole, or a content lies outside of the memories.
Status write_batch(LayerWriter& writer, const uint8_t* records, size_t size,
                   const std::vector<Memory>& memories);

}  // namespace lichen
