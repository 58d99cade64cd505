#include "core/json.h"

#include <nlohmann/json.hpp>

namespace lichen {

using Json = nlohmann::json;

const Json* JsonReader::member(const char* key) const {
  if (value_ == nullptr || !value_->is_object()) return nullptr;
  auto found = value_->find(key);
  return found == value_->end() || found->is_null() ? nullptr : &*found;
}

std::string JsonReader::where(const char* key) const { return path_.empty() ? key : path_ + "." + key; }

void JsonReader::refuse(const char* key, const std::string& why) const {
  if (mistake_->found) return;
  mistake_->found = true;
  mistake_->error.object = *key == '\0' ? path_ : where(key);
  mistake_->error.cause = why;
}

bool JsonReader::has(const char* key) const { return member(key) != nullptr; }
bool JsonReader::is_text() const { return value_ != nullptr && value_->is_string(); }

std::string JsonReader::text(const char* key, std::string fallback) const {
  const Json* found = member(key);
  if (found == nullptr) return fallback;
  return string_of(*found, key).value_or(std::move(fallback));
}

std::optional<std::string> JsonReader::string_of(const Json& value, const char* key) const {
  const auto* text = value.get_ptr<const std::string*>();
  if (text != nullptr && text->find('\0') == std::string::npos) return *text;
  refuse(key, text == nullptr ? "must be a string" : "contains a NUL character");
  return {};
}

std::string JsonReader::required_text(const char* key) const {
  std::string found = text(key);
  if (found.empty()) refuse(key, "is missing");
  return found;
}

bool JsonReader::flag(const char* key, bool fallback) const {
  const Json* found = member(key);
  if (found == nullptr) return fallback;
  if (const auto* flag = found->get_ptr<const Json::boolean_t*>()) return *flag;
  refuse(key, "must be true or false");
  return fallback;
}

std::optional<int64_t> JsonReader::optional_number(const char* key, int64_t low, int64_t high) const {
  const Json* found = member(key);
  if (found == nullptr) return {};
  bool fits = found->is_number_integer() && (!found->is_number_unsigned() ||
                                             *found->get_ptr<const Json::number_unsigned_t*>() <= INT64_MAX);
  int64_t value = fits ? found->get<int64_t>() : 0;
  if (fits && value >= low && value <= high) return value;
  std::string range = low == INT64_MIN && high == INT64_MAX
                          ? ""
                          : " from " + std::to_string(low) + " to " + std::to_string(high);
  refuse(key, "must be a whole number" + range);
  return {};
}

int64_t JsonReader::number(const char* key, int64_t fallback, int64_t low, int64_t high) const {
  return optional_number(key, low, high).value_or(fallback);
}

uint64_t JsonReader::unsigned_number(const char* key, uint64_t fallback) const {
  const Json* found = member(key);
  if (found == nullptr) return fallback;
  if (found->is_number_unsigned()) return found->get<uint64_t>();
  refuse(key, "must be a whole number, 0 or more");
  return fallback;
}

JsonReader JsonReader::object(const char* key) const {
  const Json* found = member(key);
  if (found != nullptr && !found->is_object()) {
    refuse(key, "must be an object");
    found = nullptr;
  }
  return {found, where(key), mistake_};
}

std::vector<JsonReader> JsonReader::list(const char* key) const {
  std::vector<JsonReader> elements;
  const Json* found = member(key);
  if (found == nullptr) return elements;
  if (!found->is_array()) {
    refuse(key, "must be a list");
    return elements;
  }
  for (const Json& element : *found)
    elements.push_back({&element, where(key) + "[" + std::to_string(elements.size()) + "]", mistake_});
  return elements;
}

std::vector<std::string> JsonReader::texts(const char* key) const {
  std::vector<std::string> values;
  for (const JsonReader& element : list(key)) values.push_back(element.as_text());
  return values;
}

std::vector<std::pair<std::string, std::string>> JsonReader::text_members(const char* key) const {
  std::vector<std::pair<std::string, std::string>> members;
  JsonReader inner = object(key);
  if (inner.value_ == nullptr) return members;
  for (auto it = inner.value_->begin(); it != inner.value_->end(); ++it)
    members.emplace_back(it.key(), inner.text(it.key().c_str()));
  return members;
}

std::string JsonReader::as_text() const {
  if (value_ != nullptr) return string_of(*value_, "").value_or("");
  refuse("", "must be a string");
  return "";
}

uint64_t JsonReader::as_unsigned(uint64_t high) const {
  if (value_ != nullptr && value_->is_number_unsigned() && value_->get<uint64_t>() <= high)
    return value_->get<uint64_t>();
  refuse("", "must be a whole number from 0 to " + std::to_string(high));
  return 0;
}

JsonDocument::JsonDocument(std::unique_ptr<Json> value, const char* what)
    : value_(std::move(value)), mistake_(std::make_unique<JsonReader::Mistake>()) {
  mistake_->error.operation = std::string("read ") + what;
  mistake_->error.code = "INVALID_FIELD";
}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string_view text, const char* what) {
  auto value = std::make_unique<Json>(Json::parse(text, nullptr, false));
  if (!value->is_object())
    return plain_error("INVALID_JSON", std::string("read ") + what, "", "not a JSON object");
  return JsonDocument(std::move(value), what);
}

JsonReader JsonDocument::root() const { return {value_.get(), "", mistake_.get()}; }

Status JsonDocument::status() const {
  if (mistake_->found) return mistake_->error;
  return {};
}

std::string json_quote(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

void JsonObject::key(const char* key) {
  if (body_.size() > 1) body_ += ',';
  body_ += json_quote(key);
  body_ += ':';
}

JsonObject& JsonObject::text(const char* name, std::string_view value) {
  key(name);
  body_ += json_quote(value);
  return *this;
}

JsonObject& JsonObject::number(const char* name, int64_t value) { return raw(name, std::to_string(value)); }

JsonObject& JsonObject::flag(const char* name, bool value) { return raw(name, value ? "true" : "false"); }

JsonObject& JsonObject::raw(const char* name, std::string_view value) {
  key(name);
  body_ += value;
  return *this;
}

std::string json_list(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += value;
  }
  return out + "]";
}

std::string error_to_json(const Error& error) {
  return JsonObject()
      .text("operation", error.operation)
      .text("object", error.object)
      .text("cause", error.cause)
      .text("code", error.code)
      .number("errno", error.number)
      .str();
}

Error error_from_json(const JsonReader& reader) {
  return {reader.text("operation"), reader.text("object"), reader.text("cause"), reader.text("code"),
          static_cast<int>(reader.number("errno", 0, 0, 4095))};
}

}  // namespace lichen
