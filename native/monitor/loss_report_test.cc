#include "monitor/loss_report.h"

#include <doctest/doctest.h>

#include <vector>

using namespace lichen;
using namespace lichen::monitor;

TEST_CASE("the first loss is told at once, later ones together after a second, and the last at the end") {
  auto loop = EventLoop::create();
  REQUIRE(loop.ok());
  std::vector<uint64_t> told;
  LossReport report(*loop.operator->(), [&](const Error& error, uint64_t lost) {
    CHECK(error.code == "ENOSPC");
    told.push_back(lost);
  });
  Error full = sys_error("write", "log", ENOSPC);
  for (uint64_t lost = 1; lost <= 100; lost++) report.update(full, lost);
  CHECK(told == std::vector<uint64_t>{1});
  loop->after(std::chrono::milliseconds(1100), [&] {
    CHECK(told == std::vector<uint64_t>{1, 100});
    report.update(full, 101);
    report.flush();
    report.flush();
    loop->stop();
  });
  REQUIRE(loop->run().ok());
  CHECK(told == std::vector<uint64_t>{1, 100, 101});
}
