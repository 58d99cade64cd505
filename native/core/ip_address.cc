#include "core/ip_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace lichen {

Result<IpAddress> parse_ip(const std::string& text) {
  auto refuse = [&](const char* cause) {
    return plain_error("INVALID_ADDRESS", "parse address", "\"" + text + "\"", cause);
  };
  size_t slash = text.find('/');
  std::string host = text.substr(0, slash);
  char bytes[16];
  IpAddress address;
  if (inet_pton(AF_INET, host.c_str(), bytes) == 1) {
    address = {AF_INET, 32, std::string(bytes, 4)};
  } else if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) {
    address = {AF_INET6, 128, std::string(bytes, 16)};
  } else {
    return refuse("neither an IPv4 nor an IPv6 address");
  }
  if (slash == std::string::npos) return address;
  const char* first = text.c_str() + slash + 1;
  const char* last = text.c_str() + text.size();
  unsigned prefix = 0;
  auto [end, error] = std::from_chars(first, last, prefix);
  if (error != std::errc() || end != last || prefix > address.prefix)
    return refuse("the prefix length is no number in range");
  address.prefix = static_cast<uint8_t>(prefix);
  return address;
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN] = "?";
  inet_ntop(family, bytes.data(), out, sizeof out);
  return std::string(out) + "/" + std::to_string(prefix);
}

std::string IpAddress::mask() const {
  std::string out(bytes.size(), '\0');
  for (unsigned bit = 0; bit < prefix; bit++)
    out[bit / 8] = static_cast<char>(out[bit / 8] | (0x80 >> (bit % 8)));
  return out;
}

IpAddress IpAddress::network() const {
  IpAddress out = *this;
  std::string bits = mask();
  for (size_t i = 0; i < out.bytes.size(); i++) out.bytes[i] = static_cast<char>(out.bytes[i] & bits[i]);
  return out;
}

}  // namespace lichen
