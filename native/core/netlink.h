// Netlink: message building and a request socket. Subjects build on it: links.h, ip_addresses.h, nftables.h.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/result.h"

namespace lichen {

// One netlink request under construction: nlmsghdr, the family's fixed header, then attributes (netlink(7),
// rtnetlink(7)). Nothing here can fail: a message is memory until it is sent.
class NetlinkMessage {
 public:
  // `flags` besides NLM_F_REQUEST, for instance NLM_F_CREATE | NLM_F_EXCL.
  NetlinkMessage(uint16_t type, uint16_t flags);

  // The fixed header of the family (ifinfomsg, ifaddrmsg, rtmsg, nfgenmsg): before any attribute.
  template <class Header>
  NetlinkMessage& header(const Header& header) {
    append(&header, sizeof header);
    return *this;
  }

  NetlinkMessage& put(uint16_t type, const void* data, size_t size);
  NetlinkMessage& put(uint16_t type, std::string_view bytes) { return put(type, bytes.data(), bytes.size()); }
  // With the closing NUL that names of links, tables and kinds carry.
  NetlinkMessage& put_string(uint16_t type, const std::string& text) {
    return put(type, text.c_str(), text.size() + 1);
  }
  NetlinkMessage& put_u32(uint16_t type, uint32_t value) { return put(type, &value, sizeof value); }
  // nf_tables numbers travel in network byte order.
  NetlinkMessage& put_be32(uint16_t type, uint32_t value);

  // An attribute that holds attributes, filled by `body`. `prefix` bytes go before the first of them
  // (VETH_INFO_PEER).
  NetlinkMessage& nest(uint16_t type, const std::function<void()>& body, std::string_view prefix = {});

  void set_sequence(uint32_t sequence) { begin()->nlmsg_seq = sequence; }
  uint32_t sequence() const { return begin()->nlmsg_seq; }
  void add_flags(uint16_t flags) { begin()->nlmsg_flags |= flags; }
  // The finished message, padded to NLMSG_ALIGNTO.
  const std::string& bytes() const { return bytes_; }

 private:
  nlmsghdr* begin() { return reinterpret_cast<nlmsghdr*>(bytes_.data()); }
  const nlmsghdr* begin() const { return reinterpret_cast<const nlmsghdr*>(bytes_.data()); }
  void append(const void* data, size_t size);

  std::string bytes_;
};

// The attributes of `bytes` (what follows a fixed header, or a nested attribute's value), in order. Stops at
// malformed ones.
void for_each_attribute(std::string_view bytes,
                        const std::function<void(uint16_t type, std::string_view value)>& see);

// The number in an attribute's value; 0 when the value is of another size.
uint32_t attribute_u32(std::string_view value);
// The text in an attribute's value, without its closing NUL.
std::string attribute_string(std::string_view value);

// A netlink socket for requests. It belongs to the network namespace that the calling thread was in when it
// was opened, and keeps working on that one after setns(2) or unshare(2).
class Netlink {
 public:
  // `protocol`: NETLINK_ROUTE or NETLINK_NETFILTER.
  static Result<Netlink> open(int protocol);

  // Sends one request and waits for the kernel's acknowledgement. A refusal becomes an Error with the given
  // operation and object; its cause is the kernel's own words (NLMSGERR_ATTR_MSG) where it has some.
  Status request(NetlinkMessage message, const char* operation, const std::string& object);

  // Sends one request and passes every message of the answer (header included) to `see`: a dump (NLM_F_DUMP)
  // or a single reply.
  Status query(NetlinkMessage message, const char* operation, const std::string& object,
               const std::function<void(const nlmsghdr*, std::string_view payload)>& see);

  // Sends nf_tables messages as one transaction (NFNL_MSG_BATCH_BEGIN … END): all of them take effect, or
  // none.
  Status transaction(std::vector<NetlinkMessage> messages, const char* operation, const std::string& object);

  // For ioctls on links of its network namespace.
  const Fd& socket() const { return socket_; }

 private:
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}
  Status send(const std::string& bytes, const char* operation, const std::string& object);

  Fd socket_;
  uint32_t sequence_ = 0;
};

}  // namespace lichen
