// Decompression of layers and of SPDY's headers, by the zlib and zstd that Node's executable carries and
// exports: the same code as node:zlib, without its streams, threads and copies. Its zstd.h is not among
// Node's headers, so the few functions needed, which zstd promises to keep as they are, are declared here.
#include "addon/decoder.h"

#include <zlib.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "addon/convert.h"

extern "C" {
struct ZSTD_DCtx_s;
typedef struct {
  const void* src;
  size_t size;
  size_t pos;
} ZSTD_inBuffer;
typedef struct {
  void* dst;
  size_t size;
  size_t pos;
} ZSTD_outBuffer;
ZSTD_DCtx_s* ZSTD_createDCtx(void);
size_t ZSTD_freeDCtx(ZSTD_DCtx_s*);
size_t ZSTD_DCtx_setParameter(ZSTD_DCtx_s*, int parameter, int value);
size_t ZSTD_decompressStream(ZSTD_DCtx_s*, ZSTD_outBuffer*, ZSTD_inBuffer*);
unsigned ZSTD_isError(size_t);
const char* ZSTD_getErrorName(size_t);
}

namespace lichen::addon {

namespace {

constexpr napi_type_tag kDecoderTag = {0x6c69636865e4dec0, 0x51d7f0a26b8e4c93};

// 32 MiB. What people make by usual means has 8 MiB at the most; zstd itself would take 128 MiB.
constexpr int kLargestWindowLog = 25;
constexpr int kWindowLogMaxParameter = 100;  // ZSTD_d_windowLogMax

// What one call took of its input and wrote to its output.
struct Step {
  size_t consumed;
  size_t produced;
};

Error broken(const char* what, const std::string& reason, const char* object = "layer") {
  return plain_error("MALFORMED_STREAM", what, object, reason);
}

class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual Result<Step> decode(const uint8_t* in, size_t in_size, uint8_t* out, size_t out_size) = 0;
  // Nothing more comes: an error unless everything is complete.
  virtual Status end() = 0;
};

// gzip of any number of members (RFC 1952 §2.2). What follows the last one and is no member is left out, as
// gzip does.
class Gunzip : public Decoder {
 public:
  Gunzip() { ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK; }
  ~Gunzip() override { inflateEnd(&stream_); }

  Result<Step> decode(const uint8_t* in, size_t in_size, uint8_t* out, size_t out_size) override {
    if (!ready_) return broken("gunzip", "no memory");
    Step step{0, 0};
    while (step.consumed < in_size || pending_) {
      if (between_) {
        if (in_size == step.consumed) break;
        if (in[step.consumed] != 0x1f) padding_ = true;
        if (padding_) return Step{in_size, step.produced};
        inflateReset(&stream_);
        between_ = false;
      }
      stream_.next_in = const_cast<uint8_t*>(in + step.consumed);
      stream_.avail_in = static_cast<unsigned>(in_size - step.consumed);
      stream_.next_out = out + step.produced;
      stream_.avail_out = static_cast<unsigned>(out_size - step.produced);
      int status = inflate(&stream_, Z_NO_FLUSH);
      step.consumed = in_size - stream_.avail_in;
      step.produced = out_size - stream_.avail_out;
      if (status == Z_STREAM_END) {
        between_ = true;
        pending_ = false;
        continue;
      }
      if (status != Z_OK && status != Z_BUF_ERROR)
        return broken("gunzip", stream_.msg ? stream_.msg : "invalid data");
      pending_ = stream_.avail_out == 0;
      if (pending_) break;
    }
    return step;
  }

  Status end() override {
    if (!between_) return broken("gunzip", "unexpected end of file");
    return {};
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
  // A member has ended and no other has begun.
  bool between_ = false;
  bool padding_ = false;
  // There may be output that had no room.
  bool pending_ = false;
};

// zstd of any number of frames, skippable ones among them (RFC 8878 §3.1).
class Unzstd : public Decoder {
 public:
  Unzstd() : context_(ZSTD_createDCtx()) {
    ZSTD_DCtx_setParameter(context_, kWindowLogMaxParameter, kLargestWindowLog);
  }
  ~Unzstd() override { ZSTD_freeDCtx(context_); }

  Result<Step> decode(const uint8_t* in, size_t in_size, uint8_t* out, size_t out_size) override {
    ZSTD_inBuffer input{in, in_size, 0};
    ZSTD_outBuffer output{out, out_size, 0};
    while (input.pos < in_size || pending_) {
      size_t before = input.pos + output.pos;
      left_ = ZSTD_decompressStream(context_, &output, &input);
      if (ZSTD_isError(left_)) {
        std::string name = ZSTD_getErrorName(left_);
        if (name.find("memory") != std::string::npos)
          return broken("unzstd", "its window is larger than 32 MiB; compress it without --long or --ultra");
        return broken("unzstd", name);
      }
      pending_ = output.pos == out_size && left_ != 0;
      if (output.pos == out_size) break;
      if (input.pos + output.pos == before) break;
    }
    return Step{input.pos, output.pos};
  }

  Status end() override {
    if (left_ != 0) return broken("unzstd", "unexpected end of file");
    return {};
  }

 private:
  ZSTD_DCtx_s* context_;
  // 0 at the end of a frame; there must be one at least.
  size_t left_ = 1;
  bool pending_ = false;
};

// One zlib stream (RFC 1950), whose sender may use a dictionary. Gives out all that its input says.
class Inflate : public Decoder {
 public:
  explicit Inflate(std::vector<uint8_t> dictionary) : dictionary_(std::move(dictionary)) {
    ready_ = inflateInit(&stream_) == Z_OK;
  }
  ~Inflate() override { inflateEnd(&stream_); }

  Result<Step> decode(const uint8_t* in, size_t in_size, uint8_t* out, size_t out_size) override {
    if (!ready_) return broken("inflate", "no memory", "headers");
    stream_.next_in = const_cast<uint8_t*>(in);
    stream_.avail_in = static_cast<unsigned>(in_size);
    stream_.next_out = out;
    stream_.avail_out = static_cast<unsigned>(out_size);
    int status = inflate(&stream_, Z_SYNC_FLUSH);
    if (status == Z_NEED_DICT) {
      status = inflateSetDictionary(&stream_, dictionary_.data(), static_cast<unsigned>(dictionary_.size()));
      if (status != Z_OK) return broken("inflate", "another dictionary is asked for", "headers");
      status = inflate(&stream_, Z_SYNC_FLUSH);
    }
    ended_ = ended_ || status == Z_STREAM_END;
    if (status != Z_OK && status != Z_BUF_ERROR && status != Z_STREAM_END)
      return broken("inflate", stream_.msg ? stream_.msg : "invalid data", "headers");
    return Step{in_size - stream_.avail_in, out_size - stream_.avail_out};
  }

  Status end() override {
    if (!ended_) return broken("inflate", "unexpected end of file", "headers");
    return {};
  }

 private:
  z_stream stream_{};
  std::vector<uint8_t> dictionary_;
  bool ready_ = false;
  bool ended_ = false;
};

using Handle = std::unique_ptr<Decoder>;

// The first argument; a TypeError for anything but an open decoder.
Decoder* decoder_of(const Napi::CallbackInfo& info) {
  if (info[0].IsExternal()) {
    auto handle = info[0].As<Napi::External<Handle>>();
    if (handle.CheckTypeTag(&kDecoderTag) && *handle.Data()) return handle.Data()->get();
  }
  Napi::TypeError::New(info.Env(), "decoder: not an open decoder").ThrowAsJavaScriptException();
  return nullptr;
}

bool is_bytes(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
}

// A null handle for a kind that there is not.
Handle make(const std::string& kind, const Napi::Value& dictionary) {
  if (kind == "gzip") return std::make_unique<Gunzip>();
  if (kind == "zstd") return std::make_unique<Unzstd>();
  if (kind != "zlib" || !is_bytes(dictionary)) return nullptr;
  auto bytes = dictionary.As<Napi::Uint8Array>();
  return std::make_unique<Inflate>(std::vector<uint8_t>(bytes.Data(), bytes.Data() + bytes.ByteLength()));
}

// open("gzip" | "zstd"), open("zlib", dictionary): handle
Napi::Value open(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "decoder.open");
  std::string kind = arguments.string(arguments[0], "kind");
  Handle made = arguments.ok() ? make(kind, info[1]) : nullptr;
  if (arguments.ok() && !made) arguments.refuse("kind", "\"gzip\", \"zstd\", or \"zlib\" with a dictionary");
  if (!arguments.ok()) return info.Env().Undefined();
  auto* data = new Handle(std::move(made));
  auto handle = Napi::External<Handle>::New(info.Env(), data, [](Napi::Env, Handle* h) { delete h; });
  handle.TypeTag(&kDecoderTag);
  return handle;
}

// decode(handle, input, output): [consumed, produced]
Napi::Value decode(const Napi::CallbackInfo& info) {
  Decoder* decoder = decoder_of(info);
  if (!decoder) return info.Env().Undefined();
  for (size_t i : {1, 2}) {
    if (is_bytes(info[i])) continue;
    Napi::TypeError::New(info.Env(), "decoder: not a Uint8Array").ThrowAsJavaScriptException();
    return info.Env().Undefined();
  }
  auto input = info[1].As<Napi::Uint8Array>();
  auto output = info[2].As<Napi::Uint8Array>();
  auto step = decoder->decode(input.Data(), input.ByteLength(), output.Data(), output.ByteLength());
  if (!step) return throw_error(info.Env(), step.error());
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0u, static_cast<double>(step->consumed));
  pair.Set(1u, static_cast<double>(step->produced));
  return pair;
}

// end(handle): throws when the input ended too early
void end(const Napi::CallbackInfo& info) {
  Decoder* decoder = decoder_of(info);
  if (!decoder) return;
  Status ended = decoder->end();
  if (!ended) throw_error(info.Env(), ended.error());
}

// close(handle): gives its memory back; of a closed one nothing
void close(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal()) return;
  auto handle = info[0].As<Napi::External<Handle>>();
  if (handle.CheckTypeTag(&kDecoderTag)) handle.Data()->reset();
}

}  // namespace

void add_decoder(Napi::Env env, Napi::Object exports) {
  Napi::Object decoder = Napi::Object::New(env);
  auto add = [&](const char* name, auto function) {
    decoder.Set(name, Napi::Function::New(env, function, name));
  };
  add("open", open);
  add("decode", decode);
  add("end", end);
  add("close", close);
  exports.Set("decoder", decoder);
}

}  // namespace lichen::addon
