#include "core/traffic_shaping.h"

#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "core/links.h"

namespace lichen {

namespace {

constexpr uint32_t kLargestPacket = 65536;
constexpr uint8_t kEthernet = 1;  // TC_LINKLAYER_ETHERNET: the kernel needs no table of packet sizes then

// The root queueing discipline of `link`: `burst` and `limit` in bytes.
Status set_token_bucket(Netlink& netlink, const char* operation, const std::string& link,
                        uint64_t bits_per_second, uint32_t burst, uint32_t limit) {
  LICHEN_ASSIGN(int index, link_index(netlink, link));
  uint64_t bytes = bits_per_second / 8;
  tc_tbf_qopt options{};
  options.rate.linklayer = kEthernet;
  options.rate.rate = static_cast<uint32_t>(std::min<uint64_t>(bytes, UINT32_MAX));
  options.limit = limit;

  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = index;
  header.tcm_parent = TC_H_ROOT;
  NetlinkMessage message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
  message.header(header).put_string(TCA_KIND, "tbf");
  message.nest(TCA_OPTIONS, [&] {
    message.put(TCA_TBF_PARMS, &options, sizeof options).put_u32(TCA_TBF_BURST, burst);
    if (bytes > UINT32_MAX) message.put(TCA_TBF_RATE64, &bytes, sizeof bytes);
  });
  return netlink.request(std::move(message), operation,
                         "\"" + link + "\" to " + std::to_string(bits_per_second) + " bit/s");
}

}  // namespace

Status limit_rate(Netlink& netlink, const std::string& link, uint64_t bits_per_second) {
  auto burst =
      static_cast<uint32_t>(std::clamp<uint64_t>(bits_per_second / 8 / 10, 2 * kLargestPacket, 64U << 20));
  return set_token_bucket(netlink, "limit rate", link, bits_per_second, burst, 2 * burst);
}

Status pace(Netlink& netlink, const std::string& link, uint64_t bits_per_second) {
  return set_token_bucket(netlink, "pace", link, bits_per_second, 4 * kLargestPacket, 32U << 20);
}

}  // namespace lichen
