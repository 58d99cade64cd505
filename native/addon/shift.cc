// Copies of layers with other owners, for JavaScript: core/tree_shift.h. For worker threads: it blocks.
#include "addon/shift.h"

#include "addon/convert.h"
#include "core/tree_shift.h"

namespace lichen::addon {

namespace {

constexpr int64_t kMaxId = UINT32_MAX - 1;

// [[inside, outside, length], …]
std::vector<IdExtent> extents(Arguments& arguments, const Napi::Value& value, const char* name) {
  std::vector<IdExtent> list;
  Napi::Array entries = arguments.array(value, name);
  for (uint32_t i = 0; arguments.ok() && i < entries.Length(); i++) {
    Napi::Array entry = arguments.array(entries.Get(i), name);
    auto number = [&](uint32_t index) {
      return static_cast<uint32_t>(arguments.number(entry.Get(index), name, 0, kMaxId));
    };
    list.push_back({number(0), number(1), number(2)});
  }
  return list;
}

// shiftTree(source, destination, uids, gids): {bytes, shared, inodes}
Napi::Value shift(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "shiftTree");
  std::string source = arguments.string(info[0], "source");
  std::string destination = arguments.string(info[1], "destination");
  NestedIdMap map;
  map.uids = extents(arguments, info[2], "uids");
  map.gids = extents(arguments, info[3], "gids");
  if (!arguments.ok()) return info.Env().Undefined();
  auto done = shift_tree(source, destination, map);
  if (!done) return throw_error(info.Env(), done.error());
  Napi::Object summary = Napi::Object::New(info.Env());
  summary.Set("bytes", static_cast<double>(done->bytes));
  summary.Set("shared", static_cast<double>(done->shared));
  summary.Set("inodes", static_cast<double>(done->inodes));
  return summary;
}

}  // namespace

void add_shift(Napi::Env env, Napi::Object exports) {
  exports.Set("shiftTree", Napi::Function::New<shift>(env, "shiftTree"));
}

}  // namespace lichen::addon
