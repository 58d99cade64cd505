// Keeps the node's uplink alive over its own deaths and ours.
#pragma once

#include <optional>

#include "launcher/backoff.h"
#include "launcher/namespaces.h"
#include "launcher/runtime_dir.h"
#include "launcher/uplink.h"

namespace lichen::launcher {

class UplinkKeeper {
 public:
  UplinkKeeper(const RuntimeDirectory& directory, const Namespaces& namespaces, UplinkWish wish)
      : directory_(directory), namespaces_(namespaces), wish_(wish) {}

  // The first start, in fresh namespaces; `pid` is a process there.
  void start(pid_t pid, Warnings& warnings);

  // After a rejoin: takes over the uplink that lives on, if it is as wished for, else starts one.
  void adopt_or_start(const UplinkState& previous, Warnings& warnings);

  // To be polled: readable when the uplink has ended. Nothing without one.
  const Fd* pidfd() const { return process_ ? &process_->pidfd : nullptr; }
  // When to call restart(), by monotonic_ms(); 0: not at all.
  int64_t due() const { return due_; }

  // The uplink has ended: reaps it and plans the restart.
  void ended();
  // Tries again; after a failure once more, later. state() says what came of it.
  void restart();

  // Ends the uplink with the node.
  void end();

  const UplinkState& state() const { return state_; }

 private:
  UplinkFiles files() const { return {directory_.file("uplink.log"), directory_.file("uplink.ready")}; }
  void take(StartedUplink started);
  void write_resolv_conf() const;

  const RuntimeDirectory& directory_;
  const Namespaces& namespaces_;
  UplinkWish wish_;
  UplinkState state_;
  std::optional<UplinkProcess> process_;
  Backoff backoff_;
  int64_t started_ = 0;
  int64_t due_ = 0;
};

}  // namespace lichen::launcher
