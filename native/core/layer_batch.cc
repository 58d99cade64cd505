#include "core/layer_batch.h"

#include <optional>
#include <utility>

#include "core/layer_record.h"

namespace lichen {

namespace {

Error malformed() {
  return plain_error("MALFORMED_RECORD", "write", "entries of the layer", "a record is not whole");
}

// Reads a content's place; nothing where it lies in none of the memories.
std::optional<Memory> content(RecordReader& reader, const std::vector<Memory>& memories) {
  auto which = reader.number<uint32_t>();
  auto offset = reader.number<uint32_t>();
  auto length = reader.number<uint32_t>();
  if (!reader.ok() || which >= memories.size()) return std::nullopt;
  const Memory& memory = memories[which];
  if (offset > memory.size || length > memory.size - offset) return std::nullopt;
  return Memory{memory.data + offset, length};
}

// A file whose records have begun: by another thread if all of it is here and it has no holes, else what is
// here of its content is written at once.
Status write_file(LayerWriter& writer, RecordReader& reader, const std::string& path, Attributes attributes,
                  const std::vector<Memory>& memories) {
  std::vector<Memory> pieces;
  RecordReader ahead = reader;
  while (!ahead.done()) {
    auto kind = static_cast<LayerRecord>(ahead.number<uint8_t>());
    if (kind == LayerRecord::kEndFile) {
      reader = ahead;
      return writer.file(path, std::move(attributes), std::move(pieces));
    }
    if (kind != LayerRecord::kContent) break;
    auto piece = content(ahead, memories);
    if (!piece) return malformed();
    pieces.push_back(*piece);
  }
  return writer.begin_file(path, std::move(attributes));
}

}  // namespace

namespace {

Status write_records(LayerWriter& writer, const uint8_t* records, size_t size,
                     const std::vector<Memory>& memories) {
  RecordReader reader(records, size);
  while (!reader.done()) {
    auto kind = static_cast<LayerRecord>(reader.number<uint8_t>());
    switch (kind) {
      case LayerRecord::kDirectory:
      case LayerRecord::kFile:
      case LayerRecord::kFifo: {
        std::string path = reader.bytes();
        Attributes attributes = reader.attributes();
        if (!reader.ok()) return malformed();
        if (kind == LayerRecord::kFile)
          LICHEN_TRY(write_file(writer, reader, path, std::move(attributes), memories));
        else if (kind == LayerRecord::kFifo)
          LICHEN_TRY(writer.fifo(path, std::move(attributes)));
        else
          LICHEN_TRY(writer.directory(path, std::move(attributes)));
        break;
      }
      case LayerRecord::kContent: {
        auto piece = content(reader, memories);
        if (!piece) return malformed();
        LICHEN_TRY(writer.append(piece->data, piece->size));
        break;
      }
      case LayerRecord::kHole: {
        double bytes = reader.number<double>();
        if (!reader.ok() || !(bytes >= 0) || bytes >= 0x1p63) return malformed();
        LICHEN_TRY(writer.hole(static_cast<uint64_t>(bytes)));
        break;
      }
      case LayerRecord::kEndFile:
        LICHEN_TRY(writer.end_file());
        break;
      case LayerRecord::kSymlink: {
        std::string path = reader.bytes();
        std::string target = reader.bytes();
        Attributes attributes = reader.attributes();
        if (!reader.ok()) return malformed();
        LICHEN_TRY(writer.symlink(path, target, attributes));
        break;
      }
      case LayerRecord::kHardLink: {
        std::string path = reader.bytes();
        std::string target = reader.bytes();
        if (!reader.ok()) return malformed();
        LICHEN_TRY(writer.hard_link(path, target));
        break;
      }
      case LayerRecord::kWhiteout:
      case LayerRecord::kOpaque: {
        std::string path = reader.bytes();
        if (!reader.ok()) return malformed();
        LICHEN_TRY(kind == LayerRecord::kOpaque ? writer.opaque(path) : writer.whiteout(path));
        break;
      }
      default:
        return malformed();
    }
  }
  return {};
}

}  // namespace

Status write_batch(LayerWriter& writer, const uint8_t* records, size_t size,
                   const std::vector<Memory>& memories) {
  Status written = write_records(writer, records, size, memories);
  // Also after an error: the memories are only lent. What another thread could not do came before it.
  LICHEN_TRY(writer.drain());
  return written;
}

}  // namespace lichen
