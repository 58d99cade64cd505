// IP addresses as the kernel wants them: family, bytes, prefix length.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace lichen {

struct IpAddress {
  uint8_t family = 0;  // AF_INET or AF_INET6
  uint8_t prefix = 0;  // bits of the network part; 32 or 128 for a plain address
  std::string bytes;   // 4 or 16 bytes, network order

  std::string text() const;  // "10.0.0.1/16"
  // The prefix as a mask of the same size as `bytes`.
  std::string mask() const;
  // The address with its host part zeroed.
  IpAddress network() const;
};

// "10.210.0.1/16", "fd00::1/64" or a plain address (prefix 32 or 128). Anything else is INVALID_ADDRESS.
Result<IpAddress> parse_ip(const std::string& text);

}  // namespace lichen
