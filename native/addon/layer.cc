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

constexpr napi_type_tag kWriterTag = {0x6c69636865e4c1a7, 0x8d2c5f0b7a314e96};

// Empty after close(), so that descriptors do not wait for the garbage collector.
using Writer = std::optional<LayerWriter>;

Napi::Value to_byte_string(Napi::Env env, const std::string& bytes) {
  napi_value value = nullptr;
  napi_create_string_latin1(env, bytes.data(), bytes.size(), &value);
  return {env, value};
}

Napi::Array to_array(Napi::Env env, const std::vector<std::string>& list) {
  Napi::Array array = Napi::Array::New(env, list.size());
  for (uint32_t i = 0; i < list.size(); i++) array.Set(i, to_byte_string(env, list[i]));
  return array;
}

// One call from JavaScript. Whatever is not of its type becomes a TypeError; ok() is to be asked before
// acting.
class Call {
 public:
  explicit Call(const Napi::CallbackInfo& info) : info_(info) {}

  bool ok() const { return !info_.Env().IsExceptionPending(); }

  // The open writer that is the first argument; only to be used after ok().
  LayerWriter& writer() { return *writer_; }
  // Reads the first argument.
  void take_writer() {
    if (Writer* handle = writer_handle(); handle && handle->has_value())
      writer_ = &handle->value();
    else
      refuse("an open layer writer");
  }
  Writer* writer_handle() const {
    if (!info_[0].IsExternal()) return nullptr;
    auto handle = info_[0].As<Napi::External<Writer>>();
    return handle.CheckTypeTag(&kWriterTag) ? handle.Data() : nullptr;
  }

  std::string bytes(const Napi::Value& value) {
    if (!value.IsString()) return refuse("a byte string");
    size_t length = 0;
    napi_get_value_string_latin1(info_.Env(), value, nullptr, 0, &length);
    std::string text(length, '\0');
    napi_get_value_string_latin1(info_.Env(), value, text.data(), length + 1, &length);
    return text;
  }
  std::string bytes(size_t index) { return bytes(info_[index]); }

  std::vector<std::string> list(const Napi::Value& value) {
    std::vector<std::string> texts;
    if (!value.IsArray()) {
      refuse("an array of byte strings");
      return texts;
    }
    auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length() && ok(); i++) texts.push_back(bytes(array.Get(i)));
    return texts;
  }

  // mode, uid, gid, seconds, nanoseconds, [name, value, …] beginning with argument `first`.
  Attributes attributes(size_t first) {
    Attributes read;
    read.mode = static_cast<mode_t>(number(first));
    read.uid = static_cast<uid_t>(number(first + 1));
    read.gid = static_cast<gid_t>(number(first + 2));
    read.modified.tv_sec = number(first + 3);
    read.modified.tv_nsec = number(first + 4);
    if (!ok() || info_[first + 5].IsUndefined()) return read;
    std::vector<std::string> pairs = list(info_[first + 5]);
    for (size_t i = 0; i + 1 < pairs.size(); i += 2)
      read.xattrs.push_back({std::move(pairs[i]), std::move(pairs[i + 1])});
    return read;
  }

  void report(const Status& status) {
    if (!status) throw_error(info_.Env(), status.error());
  }

  // Makes a TypeError pending, unless there is an exception already.
  std::string refuse(const char* wanted) {
    if (ok())
      Napi::TypeError::New(info_.Env(), std::string("layer: not ") + wanted).ThrowAsJavaScriptException();
    return "";
  }

 private:
  int64_t number(size_t index) {
    if (info_[index].IsNumber()) return info_[index].As<Napi::Number>().Int64Value();
    refuse("a number");
    return 0;
  }

  const Napi::CallbackInfo& info_;
  LayerWriter* writer_ = nullptr;
};

// open(directory, singleOwner): handle
Napi::Value open(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "layer.open");
  std::string directory = arguments.string(arguments[0], "directory");
  bool single_owner = arguments.optional_boolean(arguments[1], "singleOwner");
  if (!arguments.ok()) return info.Env().Undefined();
  auto opened = LayerWriter::open(directory, single_owner);
  if (!opened) return throw_error(info.Env(), opened.error());
  auto writer = std::make_unique<Writer>(std::move(opened).value());
  auto handle = Napi::External<Writer>::New(info.Env(), writer.get(), [](Napi::Env, Writer* w) { delete w; });
  (void)writer.release();
  handle.TypeTag(&kWriterTag);
  return handle;
}

// close(handle); of a handle that is closed, nothing
void close(const Napi::CallbackInfo& info) {
  if (Writer* handle = Call(info).writer_handle()) handle->reset();
}

// directory(handle, path, …attributes), beginFile and fifo alike
template <Status (LayerWriter::*Make)(const std::string&, Attributes)>
void make_entry(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  std::string path = call.bytes(1);
  Attributes attributes = call.attributes(2);
  if (call.ok()) call.report((call.writer().*Make)(path, std::move(attributes)));
}

// append(handle, bytes): content of the file begun last
void append(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  if (!info[1].IsTypedArray()) call.refuse("a Uint8Array");
  if (!call.ok()) return;
  auto bytes = info[1].As<Napi::Uint8Array>();
  call.report(call.writer().append(bytes.Data(), bytes.ByteLength()));
}

// endFile(handle)
void end_file(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  if (call.ok()) call.report(call.writer().end_file());
}

// symlink(handle, path, target, …attributes)
void symlink(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  std::string path = call.bytes(1);
  std::string target = call.bytes(2);
  Attributes attributes = call.attributes(3);
  if (call.ok()) call.report(call.writer().symlink(path, target, attributes));
}

// hardLink(handle, path, target)
void hard_link(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  std::string path = call.bytes(1);
  std::string target = call.bytes(2);
  if (call.ok()) call.report(call.writer().hard_link(path, target));
}

// whiteout(handle, path), opaque(handle, path)
template <Status (LayerWriter::*Note)(const std::string&)>
void note(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  std::string path = call.bytes(1);
  if (call.ok()) call.report((call.writer().*Note)(path));
}

// finish(handle): {bytes, inodes, refusedXattrs, implied, whiteouts, opaque}
Napi::Value finish(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  if (!call.ok()) return info.Env().Undefined();
  auto finished = call.writer().finish();
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
  Arguments arguments(info, "layer.settle");
  auto member = [&](const char* name) { return arguments.member(arguments[0], name); };
  LayerSettlement settlement;
  settlement.directory = arguments.string(member("directory"), "directory");
  settlement.lower = arguments.strings(member("lower"), "lower");
  settlement.single_owner = arguments.optional_boolean(member("singleOwner"), "singleOwner");
  if (!arguments.ok()) return;
  Call call(info);
  settlement.implied = call.list(member("implied"));
  settlement.whiteouts = call.list(member("whiteouts"));
  settlement.opaque = call.list(member("opaque"));
  if (call.ok()) call.report(settle_layer(settlement));
}

// syncFilesystem(path): syncfs(2) of the file system that holds it
void sync_filesystem(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "layer.syncFilesystem");
  std::string path = arguments.string(arguments[0], "path");
  if (!arguments.ok()) return;
  auto opened = open_at({}, path, O_RDONLY | O_DIRECTORY);
  if (!opened)
    throw_error(info.Env(), opened.error());
  else if (syncfs(opened->get()) != 0)
    throw_error(info.Env(), sys_error("syncfs", path));
}

}  // namespace

void add_layer(Napi::Env env, Napi::Object exports) {
  Napi::Object layer = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) {
    layer.Set(name, Napi::Function::New(env, function, name));
  };
  add("open", open);
  add("close", close);
  add("directory", make_entry<&LayerWriter::directory>);
  add("beginFile", make_entry<&LayerWriter::begin_file>);
  add("append", append);
  add("endFile", end_file);
  add("symlink", symlink);
  add("fifo", make_entry<&LayerWriter::fifo>);
  add("hardLink", hard_link);
  add("whiteout", note<&LayerWriter::whiteout>);
  add("opaque", note<&LayerWriter::opaque>);
  add("finish", finish);
  add("settle", settle);
  add("syncFilesystem", sync_filesystem);
  exports.Set("layer", layer);
}

}  // namespace lichen::addon
