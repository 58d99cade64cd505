// TCP connections made on the host side for the daemon, which lives in the rootless network.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/fd.h"

namespace lichen::launcher {

struct DialRequest {
  uint64_t id = 0;   // of the daemon's request; the answer repeats it
  std::string host;  // name, IPv4 or IPv6 address, without brackets
  uint16_t port = 0;
  int timeout_ms = 30000;  // for all addresses of the name together
};

// Starts a process that resolves `host` as every program of this user does (`getent ahosts`: NSS, resolved,
// hosts file), connects to the first address that answers, sends `{"id","ok":{"address"}}` with the socket,
// or `{"id","error"}`, on the daemon's channel, and ends. Returns at once; the channel is only borrowed. A
// failure here means that no process could be started and no answer will come.
Status start_dial(const Fd& daemon, const DialRequest& request);

// Addresses in the output of `getent ahosts`, in its order, each once. For tests.
std::vector<std::string> addresses_of(const std::string& getent_output);

}  // namespace lichen::launcher
