#include "core/netlink.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>

namespace lichen {

namespace {

// Larger than any datagram the kernel builds for a dump (32 KiB at most).
constexpr size_t kReceiveSize = 65536;

// The kernel's answer in an NLMSG_ERROR message: 0 is an acknowledgement.
Status acknowledgement(const nlmsghdr* message, const char* operation, const std::string& object) {
  const auto* answer = static_cast<const nlmsgerr*>(NLMSG_DATA(message));
  if (answer->error == 0) return {};
  Error error = sys_error(operation, object, -answer->error);
  if (message->nlmsg_flags & NLM_F_ACK_TLVS) {
    // Extended acknowledgement: attributes after the header of the request (and its payload, unless capped).
    size_t offset = sizeof(nlmsgerr);
    if (!(message->nlmsg_flags & NLM_F_CAPPED))
      offset += NLMSG_ALIGN(answer->msg.nlmsg_len - sizeof(nlmsghdr));
    size_t size = message->nlmsg_len - NLMSG_HDRLEN;
    if (offset < size) {
      for_each_attribute({reinterpret_cast<const char*>(answer) + offset, size - offset},
                         [&](uint16_t type, std::string_view value) {
                           if (type == NLMSGERR_ATTR_MSG) error.cause += ": " + attribute_string(value);
                         });
    }
  }
  return error;
}

// Passes every message of one received datagram to `see` until it answers false.
void for_each_message(const char* data, size_t size, const std::function<bool(const nlmsghdr*)>& see) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(data);
  while (NLMSG_OK(message, size)) {
    if (!see(message)) return;
    message = NLMSG_NEXT(message, size);
  }
}

}  // namespace

NetlinkMessage::NetlinkMessage(uint16_t type, uint16_t flags) : bytes_(sizeof(nlmsghdr), '\0') {
  begin()->nlmsg_type = type;
  begin()->nlmsg_flags = flags | NLM_F_REQUEST;
  begin()->nlmsg_len = static_cast<uint32_t>(bytes_.size());
}

void NetlinkMessage::append(const void* data, size_t size) {
  bytes_.append(static_cast<const char*>(data), size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()), '\0');
  begin()->nlmsg_len = static_cast<uint32_t>(bytes_.size());
}

NetlinkMessage& NetlinkMessage::put(uint16_t type, const void* data, size_t size) {
  nlattr attribute{static_cast<uint16_t>(NLA_HDRLEN + size), type};
  append(&attribute, sizeof attribute);
  append(data, size);
  return *this;
}

NetlinkMessage& NetlinkMessage::put_be32(uint16_t type, uint32_t value) {
  return put_u32(type, htonl(value));
}

NetlinkMessage& NetlinkMessage::nest(uint16_t type, const std::function<void()>& body,
                                     std::string_view prefix) {
  size_t start = bytes_.size();
  put(type | NLA_F_NESTED, prefix);
  body();
  // Written through memcpy: the attribute's length is known only now.
  auto length = static_cast<uint16_t>(bytes_.size() - start);
  memcpy(bytes_.data() + start, &length, sizeof length);
  return *this;
}

void for_each_attribute(std::string_view bytes, const std::function<void(uint16_t, std::string_view)>& see) {
  while (bytes.size() >= NLA_HDRLEN) {
    nlattr attribute;
    memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > bytes.size()) return;
    see(attribute.nla_type & NLA_TYPE_MASK, bytes.substr(NLA_HDRLEN, attribute.nla_len - NLA_HDRLEN));
    bytes.remove_prefix(std::min<size_t>(NLA_ALIGN(attribute.nla_len), bytes.size()));
  }
}

uint32_t attribute_u32(std::string_view value) {
  uint32_t number = 0;
  if (value.size() == sizeof number) memcpy(&number, value.data(), sizeof number);
  return number;
}

std::string attribute_string(std::string_view value) {
  return std::string(value.substr(0, value.find('\0')));
}

Result<Netlink> Netlink::open(int protocol) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket) return sys_error("socket(AF_NETLINK)");
  // Both are niceties: without them the cause is only the errno's text.
  int on = 1;
  setsockopt(socket.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(socket.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return Netlink(std::move(socket));
}

Status Netlink::send(const std::string& bytes, const char* operation, const std::string& object) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  ssize_t n;
  do
    n = sendto(socket_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
               sizeof kernel);
  while (n < 0 && errno == EINTR);
  if (n < 0) return sys_error(operation, object).within("send netlink message");
  return {};
}

Status Netlink::request(NetlinkMessage message, const char* operation, const std::string& object) {
  message.add_flags(NLM_F_ACK);
  return query(std::move(message), operation, object, [](const nlmsghdr*, std::string_view) {});
}

Status Netlink::query(NetlinkMessage message, const char* operation, const std::string& object,
                      const std::function<void(const nlmsghdr*, std::string_view)>& see) {
  message.set_sequence(++sequence_);
  message.add_flags(NLM_F_ACK);
  LICHEN_TRY(send(message.bytes(), operation, object));
  std::string buffer(kReceiveSize, '\0');
  Status result;
  for (bool done = false; !done;) {
    ssize_t n = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return sys_error(operation, object).within("receive netlink message");
    for_each_message(buffer.data(), static_cast<size_t>(n), [&](const nlmsghdr* answer) {
      if (answer->nlmsg_seq != sequence_) return true;  // the rest of an earlier request that failed half-way
      if (answer->nlmsg_type == NLMSG_ERROR) {
        result = acknowledgement(answer, operation, object);
        done = true;
      } else if (answer->nlmsg_type == NLMSG_DONE) {
        // The end of a dump, with the number of the error that cut it short.
        int error = 0;
        if (answer->nlmsg_len >= NLMSG_LENGTH(sizeof error)) memcpy(&error, NLMSG_DATA(answer), sizeof error);
        if (error < 0) result = sys_error(operation, object, -error);
        done = true;
      } else {
        see(answer, {static_cast<const char*>(NLMSG_DATA(answer)), answer->nlmsg_len - NLMSG_HDRLEN});
      }
      return !done;
    });
  }
  return result;
}

Status Netlink::transaction(std::vector<NetlinkMessage> messages, const char* operation,
                            const std::string& object) {
  nfgenmsg edge{AF_UNSPEC, NFNETLINK_V0, htons(NFNL_SUBSYS_NFTABLES)};
  std::string bytes;
  auto add = [&](NetlinkMessage& message) {
    message.set_sequence(++sequence_);
    bytes += message.bytes();
  };
  NetlinkMessage begin(NFNL_MSG_BATCH_BEGIN, 0);
  add(begin.header(edge));
  for (auto& message : messages) {
    message.add_flags(NLM_F_ACK);
    add(message);
  }
  NetlinkMessage end(NFNL_MSG_BATCH_END, 0);
  add(end.header(edge));
  LICHEN_TRY(send(bytes, operation, object));

  // The kernel works inside sendto: every acknowledgement is queued by now.
  std::string buffer(kReceiveSize, '\0');
  Status result;
  size_t answers = 0;
  for (;;) {
    ssize_t n = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n < 0) return sys_error(operation, object).within("receive netlink message");
    for_each_message(buffer.data(), static_cast<size_t>(n), [&](const nlmsghdr* answer) {
      if (answer->nlmsg_type != NLMSG_ERROR) return true;
      answers++;
      Status status = acknowledgement(answer, operation, object);
      if (!status && result) result = std::move(status);
      return true;
    });
  }
  if (result && answers < messages.size())
    return plain_error("EPROTO", operation, object, "the kernel acknowledged only part of the transaction");
  return result;
}

}  // namespace lichen
