#include "core/offloads.h"

#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <initializer_list>

namespace lichen {

namespace {

// linux/if_link.h of Linux 6.3; older headers lack the later ones.
constexpr uint16_t kGsoMaxSize = 41, kGroMaxSize = 58, kGsoIpv4MaxSize = 63, kGroIpv4MaxSize = 64;
constexpr uint32_t kLargeBatch = 256 * 1024;

Status check_name(const char* operation, const std::string& object, const std::string& link) {
  if (link.empty() || link.size() >= IFNAMSIZ)
    return plain_error("EINVAL", operation, object, "a link's name has 1 to 15 characters");
  return {};
}

Status set_offload(Netlink& netns, const std::string& link, uint32_t command, const char* name, bool on) {
  std::string object = std::string(name) + (on ? " on " : " off ") + "\"" + link + "\"";
  LICHEN_TRY(check_name("switch offload", object, link));
  ethtool_value value{command, on ? 1U : 0U};
  ifreq request{};
  link.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  // Any socket does (netdevice(7)): its namespace is that of the link.
  if (ioctl(netns.socket().get(), SIOCETHTOOL, &request) != 0) return sys_error("switch offload", object);
  return {};
}

}  // namespace

Status keep_order(Netlink& sender_netns, const std::string& sender, Netlink& receiver_netns,
                  const std::string& receiver) {
  LICHEN_TRY(set_offload(receiver_netns, receiver, ETHTOOL_SGRO, "gro", true));
  return set_offload(sender_netns, sender, ETHTOOL_STSO, "tso", false);
}

Status allow_large_batches(Netlink& netns, const std::string& link) {
  constexpr auto kOperation = "allow large batches";
  const std::string object = "\"" + link + "\"";
  LICHEN_TRY(check_name(kOperation, object, link));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.header(ifinfomsg{}).put_string(IFLA_IFNAME, link);
  for (uint16_t limit : {kGsoMaxSize, kGroMaxSize, kGsoIpv4MaxSize, kGroIpv4MaxSize})
    message.put_u32(limit, kLargeBatch);
  return netns.request(std::move(message), kOperation, object);
}

}  // namespace lichen
