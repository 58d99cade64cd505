// Policy routing: which table a packet is routed by (fib_rules, ip-rule(8)).
#pragma once

#include "core/netlink.h"

namespace lichen {

// Packets of `family` (AF_INET, AF_INET6) with this firewall mark are delivered to this machine, whatever
// their destination: a rule `fwmark MARK lookup TABLE` and in that table `local default dev lo`. Fine when
// they are there already.
Status deliver_marked(Netlink& netlink, uint8_t family, uint32_t mark, uint32_t table);

}  // namespace lichen
