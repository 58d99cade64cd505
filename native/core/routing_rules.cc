#include "core/routing_rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>

namespace lichen {

namespace {

// Between the kernel's own `local` (0) and `main` (32766). Without a priority the kernel finds a new one each
// time, and takes no rule for one that is there.
constexpr uint32_t kPriority = 32765;

Status accept_existing(Status status) {
  return !status && status.error().number == EEXIST ? Status() : std::move(status);
}

}  // namespace

Status deliver_marked(Netlink& netlink, uint8_t family, uint32_t mark, uint32_t table) {
  std::string object = "mark " + std::to_string(mark) + (family == AF_INET6 ? " (IPv6)" : " (IPv4)");
  rtmsg route{};
  route.rtm_family = family;
  route.rtm_table = RT_TABLE_UNSPEC;
  route.rtm_protocol = RTPROT_BOOT;
  route.rtm_scope = RT_SCOPE_HOST;
  route.rtm_type = RTN_LOCAL;
  NetlinkMessage add_route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  add_route.header(route).put_u32(RTA_TABLE, table).put_u32(RTA_OIF, if_nametoindex("lo"));
  LICHEN_TRY(accept_existing(netlink.request(std::move(add_route), "add local route", object)));

  fib_rule_hdr rule{};
  rule.family = family;
  rule.table = RT_TABLE_UNSPEC;
  rule.action = FR_ACT_TO_TBL;
  NetlinkMessage add_rule(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
  add_rule.header(rule).put_u32(FRA_PRIORITY, kPriority).put_u32(FRA_FWMARK, mark).put_u32(FRA_TABLE, table);
  return accept_existing(netlink.request(std::move(add_rule), "add routing rule", object));
}

}  // namespace lichen
