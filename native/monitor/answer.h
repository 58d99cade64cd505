// The answer to a request, given once, now or later.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen::monitor {

struct Answer {
  std::string json = "{}";  // the member "ok"
  std::vector<Fd> fds;
};

using Reply = std::function<void(Result<Answer>)>;

}  // namespace lichen::monitor
