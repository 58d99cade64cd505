// The unit tests; called with what lichen-monitor is called with (`pod --id …`), it is one, whose steps can
// be made to fail (core/fault.h).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <string>

#include "monitor/command.h"

int main(int argc, char** argv) {
  std::string first = argc > 1 ? argv[1] : "";
  if (first == "pod" || first == "init" || first == "try-user-namespace")
    return lichen::monitor::run_command(argc, argv);
  return doctest::Context(argc, argv).run();
}
