// `lichen-launcher check`: what this machine lets an unprivileged user do, found by trying.
#pragma once

#include <string>

#include "launcher/options.h"

namespace lichen::launcher {

// A JSON array of trials for `lichen doctor`: [{"id":"userns","ok":true,"detail":"…","hint":"…"}, …].
std::string check(const CheckOptions& options);

}  // namespace lichen::launcher
