// Reading and writing JSON (RFC 8259) with every type checked.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace lichen {

// A view of one JSON value that remembers where it stands ("process.user.uid"). Reading never fails at once:
// the first value of a wrong type is kept for the whole document, the reader goes on with the fallback, and
// JsonDocument::status() reports it. So a function reads all it needs and asks once.
class JsonReader {
 public:
  // Whether the member is there and not null.
  bool has(const char* key) const;
  bool is_text() const;

  // Nothing that the kernel is given may hold a NUL, which would end it early, unseen: such a text is a
  // mistake.
  std::string text(const char* key, std::string fallback = "") const;
  std::string required_text(const char* key) const;
  bool flag(const char* key, bool fallback = false) const;
  // Whole numbers within [low, high]; another number is a mistake of the document.
  int64_t number(const char* key, int64_t fallback, int64_t low = INT64_MIN, int64_t high = INT64_MAX) const;
  std::optional<int64_t> optional_number(const char* key, int64_t low, int64_t high) const;
  // 0 … 2^64-1: rlimits and seccomp arguments.
  uint64_t unsigned_number(const char* key, uint64_t fallback) const;

  // The member as an object; empty (every member absent) if it is missing or null.
  JsonReader object(const char* key) const;
  // The elements of a list member; none if it is missing or null.
  std::vector<JsonReader> list(const char* key) const;
  std::vector<std::string> texts(const char* key) const;
  // The members of an object member: {"net.ipv4.x": "1"}.
  std::vector<std::pair<std::string, std::string>> text_members(const char* key) const;

  // This value itself, for elements of lists.
  std::string as_text() const;
  uint64_t as_unsigned(uint64_t high) const;

  // Records a mistake found by the caller: `why` says what is allowed.
  void refuse(const char* key, const std::string& why) const;
  // "process.user": where this value stands, "" for the document.
  const std::string& path() const { return path_; }

 private:
  friend class JsonDocument;
  struct Mistake {
    bool found = false;
    Error error;
  };
  JsonReader(const nlohmann::json* value, std::string path, Mistake* mistake)
      : value_(value), path_(std::move(path)), mistake_(mistake) {}
  const nlohmann::json* member(const char* key) const;
  std::optional<std::string> string_of(const nlohmann::json& value, const char* key) const;
  std::string where(const char* key) const;

  const nlohmann::json* value_;  // null when absent
  std::string path_;
  Mistake* mistake_;
};

// Owns a parsed document and the first mistake that readers of it found.
class JsonDocument {
 public:
  // `what` names the document in errors: "request", "spec". Code INVALID_JSON when it is not a JSON object.
  static Result<JsonDocument> parse(std::string_view text, const char* what);

  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();

  JsonReader root() const;
  // The first mistake (code INVALID_FIELD), or success.
  Status status() const;

 private:
  JsonDocument(std::unique_ptr<nlohmann::json> value, const char* what);
  std::unique_ptr<nlohmann::json> value_;
  std::unique_ptr<JsonReader::Mistake> mistake_;
};

// Builds one JSON object, member by member, in order.
class JsonObject {
 public:
  JsonObject& text(const char* key, std::string_view value);
  JsonObject& number(const char* key, int64_t value);
  JsonObject& flag(const char* key, bool value);
  // `value` is JSON already.
  JsonObject& raw(const char* key, std::string_view value);
  std::string str() const { return body_ + "}"; }

 private:
  void key(const char* key);
  std::string body_ = "{";
};

// `["…","…"]` of values that are JSON already.
std::string json_list(const std::vector<std::string>& values);

// A string literal with quotes. Bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

// {"operation","object","cause","code","errno"}: the wire form of an Error, and back.
std::string error_to_json(const Error& error);
Error error_from_json(const JsonReader& reader);

}  // namespace lichen
