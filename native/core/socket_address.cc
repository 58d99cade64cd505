#include "core/socket_address.h"

#include <arpa/inet.h>

namespace lichen {

namespace {

const sockaddr_in* v4(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in*>(&storage);
}

const sockaddr_in6* v6(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in6*>(&storage);
}

}  // namespace

Result<SocketAddress> SocketAddress::parse(const std::string& ip, uint16_t port) {
  SocketAddress address;
  if (inet_pton(AF_INET, ip.c_str(), &reinterpret_cast<sockaddr_in*>(&address.storage_)->sin_addr) == 1) {
    address.storage_.ss_family = AF_INET;
    address.size_ = sizeof(sockaddr_in);
  } else if (inet_pton(AF_INET6, ip.c_str(),
                       &reinterpret_cast<sockaddr_in6*>(&address.storage_)->sin6_addr) == 1) {
    address.storage_.ss_family = AF_INET6;
    address.size_ = sizeof(sockaddr_in6);
  } else {
    return plain_error("INVALID_ADDRESS", "read address", "\"" + ip + "\"", "is not an IPv4 or IPv6 address");
  }
  address.set_port(port);
  return address;
}

uint16_t SocketAddress::port() const {
  // Both forms have the port at the same place.
  return ntohs(v4(storage_)->sin_port);
}

void SocketAddress::set_port(uint16_t port) {
  reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
}

std::string_view SocketAddress::ip() const {
  if (family() == AF_INET) return {reinterpret_cast<const char*>(&v4(storage_)->sin_addr), 4};
  if (family() == AF_INET6) return {reinterpret_cast<const char*>(&v6(storage_)->sin6_addr), 16};
  return {};
}

std::string SocketAddress::text() const {
  char out[INET6_ADDRSTRLEN] = "?";
  if (!ip().empty()) inet_ntop(family(), ip().data(), out, sizeof out);
  std::string host = family() == AF_INET6 ? "[" + std::string(out) + "]" : out;
  return host + ":" + std::to_string(port());
}

bool SocketAddress::is_loopback() const {
  if (family() == AF_INET) return ip()[0] == 127;
  return family() == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6(storage_)->sin6_addr);
}

bool SocketAddress::is_link_local() const {
  if (family() == AF_INET) return ip().substr(0, 2) == std::string_view("\xa9\xfe", 2);
  return family() == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&v6(storage_)->sin6_addr);
}

bool SocketAddress::is_in(const IpAddress& network) const {
  if (network.family != family()) return false;
  IpAddress own{network.family, network.prefix, std::string(ip())};
  return own.network().bytes == network.network().bytes;
}

}  // namespace lichen
