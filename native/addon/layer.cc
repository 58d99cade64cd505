// Layer writing for JavaScript: core/layer_writer.h and core/layer_settle.h, one call an entry.
// Paths, link targets and attribute names are byte strings (one character a byte): names in archives need not
// be UTF-8.
#include "addon/layer.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "addon/convert.h"
#include "core/layer_settle.h"
#include "core/layer_writer.h"

namespace lichen::addon {

namespace {

Napi::Value to_byte_string(Napi::Env env, const std::string& bytes) {
  napi_value value = nullptr;
  napi_create_string_latin1(env, bytes.data(), bytes.size(), &value);
  return {env, value};
}

constexpr napi_type_tag kWriterTag = {0x6c69636865e4c1a7, 0x8d2c5f0b7a314e96};

// Empty after close(), so that descriptors do not wait for the garbage collector.
using Writer = std::optional<LayerWriter>;

std::string byte_string(const Napi::Value& value) {
  size_t length = 0;
  napi_get_value_string_latin1(value.Env(), value, nullptr, 0, &length);
  std::string bytes(length, '\0');
  napi_get_value_string_latin1(value.Env(), value, bytes.data(), length + 1, &length);
  return bytes;
}

Napi::Array to_array(Napi::Env env, const std::vector<std::string>& list) {
  Napi::Array array = Napi::Array::New(env, list.size());
  for (uint32_t i = 0; i < list.size(); i++) array.Set(i, to_byte_string(env, list[i]));
  return array;
}

std::vector<std::string> to_list(const Napi::Value& value) {
  std::vector<std::string> list;
  Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); i++) list.push_back(byte_string(array.Get(i)));
  return list;
}

// The open writer that is the call's first argument, or nullptr with a JavaScript exception pending.
LayerWriter* writer_of(const Napi::CallbackInfo& info) {
  if (info[0].IsExternal()) {
    auto handle = info[0].As<Napi::External<Writer>>();
    if (handle.CheckTypeTag(&kWriterTag) && handle.Data()->has_value()) return &handle.Data()->value();
  }
  Napi::TypeError::New(info.Env(), "not an open layer writer").ThrowAsJavaScriptException();
  return nullptr;
}

// mode, uid, gid, seconds, nanoseconds, [name, value, …] from the arguments beginning with `first`.
Attributes attributes_of(const Napi::CallbackInfo& info, size_t first) {
  Attributes attributes;
  attributes.mode = info[first].As<Napi::Number>().Uint32Value();
  attributes.uid = info[first + 1].As<Napi::Number>().Uint32Value();
  attributes.gid = info[first + 2].As<Napi::Number>().Uint32Value();
  attributes.modified.tv_sec = info[first + 3].As<Napi::Number>().Int64Value();
  attributes.modified.tv_nsec = info[first + 4].As<Napi::Number>().Int64Value();
  if (!info[first + 5].IsArray()) return attributes;
  std::vector<std::string> pairs = to_list(info[first + 5]);
  for (size_t i = 0; i + 1 < pairs.size(); i += 2)
    attributes.xattrs.push_back({std::move(pairs[i]), std::move(pairs[i + 1])});
  return attributes;
}

void report(const Napi::CallbackInfo& info, const Status& status) {
  if (!status) throw_error(info.Env(), status.error());
}

// open(directory, singleOwner): handle
Napi::Value open(const Napi::CallbackInfo& info) {
  auto opened =
      LayerWriter::open(info[0].As<Napi::String>().Utf8Value(), info[1].As<Napi::Boolean>().Value());
  if (!opened) return throw_error(info.Env(), opened.error());
  auto writer = std::make_unique<Writer>(std::move(opened).value());
  auto handle = Napi::External<Writer>::New(info.Env(), writer.get(), [](Napi::Env, Writer* w) { delete w; });
  (void)writer.release();
  handle.TypeTag(&kWriterTag);
  return handle;
}

// close(handle)
void close(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal()) return;
  auto handle = info[0].As<Napi::External<Writer>>();
  if (handle.CheckTypeTag(&kWriterTag)) handle.Data()->reset();
}

// directory(handle, path, …attributes)
void directory(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info))
    report(info, writer->directory(byte_string(info[1]), attributes_of(info, 2)));
}

// beginFile(handle, path, …attributes), append(handle, bytes), endFile(handle)
void begin_file(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info))
    report(info, writer->begin_file(byte_string(info[1]), attributes_of(info, 2)));
}

void append(const Napi::CallbackInfo& info) {
  LayerWriter* writer = writer_of(info);
  if (!writer) return;
  if (!info[1].IsTypedArray()) {
    Napi::TypeError::New(info.Env(), "content must be a Uint8Array").ThrowAsJavaScriptException();
    return;
  }
  auto bytes = info[1].As<Napi::Uint8Array>();
  report(info, writer->append(bytes.Data(), bytes.ByteLength()));
}

void end_file(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info)) report(info, writer->end_file());
}

// symlink(handle, path, target, …attributes)
void symlink(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info))
    report(info, writer->symlink(byte_string(info[1]), byte_string(info[2]), attributes_of(info, 3)));
}

// fifo(handle, path, …attributes)
void fifo(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info))
    report(info, writer->fifo(byte_string(info[1]), attributes_of(info, 2)));
}

// hardLink(handle, path, target)
void hard_link(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info))
    report(info, writer->hard_link(byte_string(info[1]), byte_string(info[2])));
}

// whiteout(handle, path), opaque(handle, path)
void whiteout(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info)) report(info, writer->whiteout(byte_string(info[1])));
}

void opaque(const Napi::CallbackInfo& info) {
  if (LayerWriter* writer = writer_of(info)) report(info, writer->opaque(byte_string(info[1])));
}

// finish(handle): {bytes, inodes, refusedXattrs, implied, whiteouts, opaque}
Napi::Value finish(const Napi::CallbackInfo& info) {
  LayerWriter* writer = writer_of(info);
  if (!writer) return info.Env().Undefined();
  auto finished = writer->finish();
  if (!finished) return throw_error(info.Env(), finished.error());
  Napi::Object summary = Napi::Object::New(info.Env());
  summary.Set("bytes", static_cast<double>(finished->bytes));
  summary.Set("inodes", static_cast<double>(finished->inodes));
  summary.Set("refusedXattrs", static_cast<double>(finished->refused_xattrs));
  summary.Set("implied", to_array(info.Env(), finished->implied));
  summary.Set("whiteouts", to_array(info.Env(), finished->whiteouts));
  summary.Set("opaque", to_array(info.Env(), finished->opaque));
  return summary;
}

// settle({directory, lower, singleOwner, implied, whiteouts, opaque}); the first two are paths as JavaScript
// has them
void settle(const Napi::CallbackInfo& info) {
  Napi::Object request = info[0].As<Napi::Object>();
  LayerSettlement settlement;
  settlement.directory = request.Get("directory").As<Napi::String>().Utf8Value();
  Napi::Array lower = request.Get("lower").As<Napi::Array>();
  for (uint32_t i = 0; i < lower.Length(); i++)
    settlement.lower.push_back(lower.Get(i).As<Napi::String>().Utf8Value());
  settlement.single_owner = request.Get("singleOwner").As<Napi::Boolean>().Value();
  settlement.implied = to_list(request.Get("implied"));
  settlement.whiteouts = to_list(request.Get("whiteouts"));
  settlement.opaque = to_list(request.Get("opaque"));
  report(info, settle_layer(settlement));
}

// syncFilesystem(path): syncfs(2) of the file system that holds it
void sync_filesystem(const Napi::CallbackInfo& info) {
  std::string path = info[0].As<Napi::String>().Utf8Value();
  auto opened = open_at({}, path, O_RDONLY | O_DIRECTORY);
  if (!opened)
    throw_error(info.Env(), opened.error());
  else if (syncfs(opened->get()) != 0)
    throw_error(info.Env(), sys_error("syncfs", path));
}

}  // namespace

void add_layer(Napi::Env env, Napi::Object exports) {
  Napi::Object layer = Napi::Object::New(env);
  layer.Set("open", Napi::Function::New(env, open, "open"));
  layer.Set("close", Napi::Function::New(env, close, "close"));
  layer.Set("directory", Napi::Function::New(env, directory, "directory"));
  layer.Set("beginFile", Napi::Function::New(env, begin_file, "beginFile"));
  layer.Set("append", Napi::Function::New(env, append, "append"));
  layer.Set("endFile", Napi::Function::New(env, end_file, "endFile"));
  layer.Set("symlink", Napi::Function::New(env, symlink, "symlink"));
  layer.Set("fifo", Napi::Function::New(env, fifo, "fifo"));
  layer.Set("hardLink", Napi::Function::New(env, hard_link, "hardLink"));
  layer.Set("whiteout", Napi::Function::New(env, whiteout, "whiteout"));
  layer.Set("opaque", Napi::Function::New(env, opaque, "opaque"));
  layer.Set("finish", Napi::Function::New(env, finish, "finish"));
  layer.Set("settle", Napi::Function::New(env, settle, "settle"));
  layer.Set("syncFilesystem", Napi::Function::New(env, sync_filesystem, "syncFilesystem"));
  exports.Set("layer", layer);
}

}  // namespace lichen::addon
