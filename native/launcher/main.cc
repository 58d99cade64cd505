// lichen-launcher: makes the rootless namespaces, keeps the uplink, and supervises the daemon in them.
#include <sysexits.h>

#include <cstdio>

#include "launcher/check.h"
#include "launcher/enter.h"
#include "launcher/hints.h"
#include "launcher/options.h"
#include "launcher/serve.h"
#include "launcher/unshare.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

int fail(const Error& error, int status) {
  std::fputs(describe_failure(error).c_str(), stderr);
  return status;
}

// The status of a command that did not take this process's place, as shells have it.
int not_executed(const Error& error) {
  if (error.operation != "execute") return fail(error, EX_UNAVAILABLE);
  return fail(error, error.code == "ENOENT" ? 127 : 126);
}

struct Run {
  int operator()(const ServeOptions& options) const {
    auto status = serve(options);
    return status ? status.value() : fail(status.error(), EX_OSERR);
  }
  int operator()(const EnterOptions& options) const { return not_executed(enter(options)); }
  int operator()(const UnshareOptions& options) const { return not_executed(launcher::unshare(options)); }
  int operator()(const CheckOptions& options) const {
    std::fputs(check(options).c_str(), stdout);
    return 0;
  }
  int operator()(HelpOptions) const {
    std::fputs(kUsage, stdout);
    return 0;
  }
};

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_options({argv + 1, argv + argc});
  if (!options) {
    int status = fail(options.error(), EX_USAGE);
    std::fputs(kUsage, stderr);
    return status;
  }
  return std::visit(Run{}, options.value());
}
