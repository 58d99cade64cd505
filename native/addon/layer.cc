// Layer writing for JavaScript: core/layer_batch.h and core/layer_settle.h, one call for many entries.
// Paths, link targets and attribute names are byte strings (one character a byte): names in archives need not
// be UTF-8.
#include "addon/layer.h"

#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "addon/convert.h"
#include "core/beneath.h"
#include "core/layer_batch.h"
#include "core/layer_settle.h"
#include "core/layer_writer.h"
#include "core/xattrs.h"

namespace lichen::addon {

namespace {

constexpr napi_type_tag kWriterTag = {0x6c69636865e4c1a7, 0x8d2c5f0b7a314e96};

// Empty after close(), so that descriptors do not wait for the garbage collector. `busy`: another thread is
// at it.
struct Writer {
  std::optional<LayerWriter> writer;
  bool busy = false;
};

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
  Writer& handle() { return *handle_; }
  // Reads the first argument.
  void take_writer() {
    handle_ = writer_handle();
    if (!handle_ || !handle_->writer || handle_->busy) refuse("an open layer writer with nothing under way");
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

  Memory memory(const Napi::Value& value) {
    if (value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array) {
      auto array = value.As<Napi::Uint8Array>();
      return {array.Data(), array.ByteLength()};
    }
    refuse("a Uint8Array");
    return {nullptr, 0};
  }

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
  const Napi::CallbackInfo& info_;
  Writer* handle_ = nullptr;
};

// open(directory, singleOwner): handle
Napi::Value open(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "layer.open");
  std::string directory = arguments.string(arguments[0], "directory");
  bool single_owner = arguments.optional_boolean(arguments[1], "singleOwner");
  if (!arguments.ok()) return info.Env().Undefined();
  auto opened = LayerWriter::open(directory, single_owner);
  if (!opened) return throw_error(info.Env(), opened.error());
  auto writer = std::make_unique<Writer>();
  writer->writer.emplace(std::move(opened).value());
  auto handle = Napi::External<Writer>::New(info.Env(), writer.get(), [](Napi::Env, Writer* w) { delete w; });
  (void)writer.release();
  handle.TypeTag(&kWriterTag);
  return handle;
}

// close(handle); of a handle that is closed, nothing
void close(const Napi::CallbackInfo& info) {
  Call call(info);
  Writer* handle = call.writer_handle();
  if (!handle) return;
  if (handle->busy)
    call.refuse("a layer writer with nothing under way");
  else
    handle->writer.reset();
}

// Work of a writer on another thread. The handle, and what the entries' contents lie in, are kept until it
// has ended.
template <class T>
class WriterWork : public Napi::AsyncWorker {
 public:
  using Work = std::function<Result<T>(LayerWriter&)>;
  using Convert = Napi::Value (*)(Napi::Env, const T&);

  WriterWork(const Napi::CallbackInfo& info, Writer& handle, Work work, Convert convert)
      : Napi::AsyncWorker(info.Env()),
        handle_(handle),
        work_(std::move(work)),
        convert_(convert),
        deferred_(info.Env()) {
    handle_.busy = true;
    Napi::Array held = Napi::Array::New(info.Env(), info.Length());
    for (uint32_t i = 0; i < info.Length(); i++) held.Set(i, info[i]);
    held_ = Napi::Persistent(held.As<Napi::Object>());
  }

  Napi::Value promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { result_.emplace(work_(*handle_.writer)); }
  void OnOK() override {
    handle_.busy = false;
    if (result_->ok())
      deferred_.Resolve(convert_(Env(), result_->value()));
    else
      deferred_.Reject(to_error(Env(), result_->error()).Value());
  }

 private:
  Writer& handle_;
  Work work_;
  Convert convert_;
  Napi::Promise::Deferred deferred_;
  Napi::ObjectReference held_;
  std::optional<Result<T>> result_;
};

template <class T>
Napi::Value in_background(const Napi::CallbackInfo& info, Writer& handle, typename WriterWork<T>::Work work,
                          typename WriterWork<T>::Convert convert) {
  auto* worker = new WriterWork<T>(info, handle, std::move(work), convert);  // deletes itself
  Napi::Value promise = worker->promise();
  worker->Queue();
  return promise;
}

// write(handle, records, memories): promise; core/layer_batch.h has the form. The bytes must not change
// before it is settled.
Napi::Value write(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  Memory records = call.memory(info[1]);
  std::vector<Memory> memories;
  if (info[2].IsArray()) {
    auto list = info[2].As<Napi::Array>();
    memories.reserve(list.Length());
    for (uint32_t i = 0; i < list.Length() && call.ok(); i++) memories.push_back(call.memory(list.Get(i)));
  } else {
    call.refuse("an array of Uint8Arrays");
  }
  if (!call.ok()) return info.Env().Undefined();
  auto work = [records, memories = std::move(memories)](LayerWriter& writer) -> Result<bool> {
    LICHEN_TRY(write_batch(writer, records.data, records.size, memories));
    return true;
  };
  return in_background<bool>(info, call.handle(), std::move(work),
                             [](Napi::Env env, const bool&) { return env.Undefined(); });
}

// finish(handle): promise of {bytes, inodes, refusedXattrs, implied, whiteouts, opaque}
Napi::Value finish(const Napi::CallbackInfo& info) {
  Call call(info);
  call.take_writer();
  if (!call.ok()) return info.Env().Undefined();
  auto convert = [](Napi::Env env, const LayerSummary& finished) -> Napi::Value {
    Napi::Object summary = Napi::Object::New(env);
    summary.Set("bytes", static_cast<double>(finished.bytes));
    summary.Set("inodes", static_cast<double>(finished.inodes));
    summary.Set("refusedXattrs", static_cast<double>(finished.refused_xattrs));
    summary.Set("implied", to_array(env, finished.implied));
    summary.Set("whiteouts", to_array(env, finished.whiteouts));
    summary.Set("opaque", to_array(env, finished.opaque));
    return summary;
  };
  return in_background<LayerSummary>(
      info, call.handle(), [](LayerWriter& writer) { return writer.finish(); }, convert);
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

// xattrs(path): [name, value, …]
Napi::Value xattrs(const Napi::CallbackInfo& info) {
  Call call(info);
  std::string path = call.bytes(info[0]);
  if (!call.ok()) return info.Env().Undefined();
  auto found = read_xattrs(path);
  if (!found) return throw_error(info.Env(), found.error());
  std::vector<std::string> flat;
  for (ExtendedAttribute& xattr : found.value()) {
    flat.push_back(std::move(xattr.name));
    flat.push_back(std::move(xattr.value));
  }
  return to_array(info.Env(), flat);
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

// removeTree(path): with everything in it; nothing there is success
void remove_tree(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "layer.removeTree");
  std::string path = arguments.string(arguments[0], "path");
  if (!arguments.ok()) return;
  SplitPath split = split_path(path);
  auto parent = open_at({}, split.parent.empty() ? "/" : split.parent, O_RDONLY | O_DIRECTORY);
  if (!parent) {
    if (parent.error().number != ENOENT) throw_error(info.Env(), parent.error());
    return;
  }
  Status removed = remove_tree_at(parent.value(), split.name);
  if (!removed) throw_error(info.Env(), removed.error());
}

}  // namespace

void add_layer(Napi::Env env, Napi::Object exports) {
  Napi::Object layer = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) {
    layer.Set(name, Napi::Function::New(env, function, name));
  };
  add("open", open);
  add("close", close);
  add("write", write);
  add("finish", finish);
  add("settle", settle);
  add("syncFilesystem", sync_filesystem);
  add("removeTree", remove_tree);
  add("xattrs", xattrs);
  exports.Set("layer", layer);
}

}  // namespace lichen::addon
