#include "monitor/loss_report.h"

namespace lichen::monitor {

namespace {
constexpr std::chrono::seconds kEvery(1);
}  // namespace

LossReport::~LossReport() {
  if (timer_ != 0) loop_.cancel(timer_);
}

void LossReport::update(const Error& error, uint64_t lost) {
  error_ = error;
  lost_ = lost;
  if (timer_ != 0) return;
  flush();
  timer_ = loop_.after(kEvery, [this] {
    timer_ = 0;
    if (lost_ != told_) update(Error(error_), lost_);
  });
}

void LossReport::flush() {
  if (lost_ == told_) return;
  told_ = lost_;
  tell_(error_, lost_);
}

}  // namespace lichen::monitor
