// Addresses of IPv4 and IPv6 sockets.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ip_address.h"

namespace lichen {

class SocketAddress {
 public:
  // No address at all: something to receive one into.
  SocketAddress() = default;
  // `ip` is an IPv4 or IPv6 address, no name. Code INVALID_ADDRESS for anything else.
  static Result<SocketAddress> parse(const std::string& ip, uint16_t port);

  int family() const { return storage_.ss_family; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // 4 or 16 bytes in network order.
  std::string_view ip() const;
  // "192.0.2.1:80", "[2001:db8::1]:80".
  std::string text() const;

  bool is_loopback() const;
  // fe80::/10 and 169.254.0.0/16: means something only together with an interface.
  bool is_link_local() const;
  bool is_in(const IpAddress& network) const;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  // For system calls that fill an address in.
  sockaddr* storage() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t* room() {
    size_ = sizeof storage_;
    return &size_;
  }
  void set_size(socklen_t size) { size_ = size; }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace lichen
