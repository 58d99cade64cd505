// What the child that makes the namespaces tells the launcher, one packet a report.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "core/result.h"
#include "launcher/warning.h"

namespace lichen::launcher {

struct Unshared {};  // the user namespace is there and waits for its id map
struct Ready {};     // everything is set up

using SetupReport = std::variant<Error, Warning, Unshared, Ready>;

std::string encode_report(const SetupReport& report);

// Anything that encode_report() did not write becomes an Error with code BAD_REPORT.
SetupReport decode_report(std::string_view bytes);

}  // namespace lichen::launcher
