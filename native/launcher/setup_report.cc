#include "launcher/setup_report.h"

#include "core/text.h"

namespace lichen::launcher {

namespace {

constexpr char kSeparator = '\0';  // in no message of the kernel's or ours

std::string join_fields(std::initializer_list<std::string_view> fields) {
  std::string bytes;
  for (std::string_view field : fields) {
    if (!bytes.empty()) bytes += kSeparator;
    bytes += field;
  }
  return bytes;
}

struct Encoder {
  std::string operator()(const Error& error) const {
    return join_fields(
        {"error", error.operation, error.object, error.cause, error.code, std::to_string(error.number)});
  }
  std::string operator()(const Warning& warning) const {
    return join_fields({"warning", warning.code, warning.message, warning.hint});
  }
  std::string operator()(Unshared) const { return "unshared"; }
  std::string operator()(Ready) const { return "ready"; }
};

}  // namespace

std::string encode_report(const SetupReport& report) { return std::visit(Encoder{}, report); }

SetupReport decode_report(std::string_view bytes) {
  std::vector<std::string_view> field = split(bytes, kSeparator);
  auto text = [&](size_t i) { return std::string(field[i]); };
  if (bytes == "unshared") return Unshared{};
  if (bytes == "ready") return Ready{};
  if (field[0] == "warning" && field.size() == 4) return Warning{text(1), text(2), text(3)};
  if (field[0] == "error" && field.size() == 6)
    return Error{text(1), text(2), text(3), text(4), parse_number<int>(field[5]).value_or(0)};
  return plain_error("BAD_REPORT", "make namespaces", "", "the child's report is not understood");
}

}  // namespace lichen::launcher
