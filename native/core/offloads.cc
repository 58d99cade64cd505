#include "core/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>

namespace lichen {

namespace {

Status set_offload(Netlink& netns, const std::string& link, uint32_t command, const char* name, bool on) {
  std::string object = std::string(name) + (on ? " on " : " off ") + "\"" + link + "\"";
  if (link.empty() || link.size() >= IFNAMSIZ)
    return plain_error("EINVAL", "switch offload", object, "a link's name has 1 to 15 characters");
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

}  // namespace lichen
