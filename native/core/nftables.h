// nf_tables by raw nfnetlink: what the node's network needs of it.
#pragma once

#include <string>
#include <vector>

#include "core/ip_address.h"
#include "core/netlink.h"

namespace lichen {

// A nfnetlink socket of the calling thread's network namespace.
Result<Netlink> open_nfnetlink();

// Source address translation for packets of `sources` that leave by anything but the bridge, in a table of
// our own (family inet, chain `postrouting`, hook postrouting, priority srcnat). An existing table of that
// name is replaced in the same transaction, so there is no moment without rules. Fails with EOPNOTSUPP or
// ENOENT on a kernel without nf_tables (or without its nat or masquerade part).
//     table inet NAME { chain postrouting { type nat hook postrouting priority srcnat;
//       ip saddr 10.210.0.0/16 oifname != "lichen0" masquerade } }
Status masquerade(Netlink& netlink, const std::string& table, const std::vector<IpAddress>& sources,
                  const std::string& bridge);

// Drops what is routed from the bridge back into it: what pods that are isolated from each other on the
// bridge itself could still send each other by way of the gateway. The table is replaced as by masquerade().
//     table inet NAME { chain forward { type filter hook forward priority filter;
//       iifname "lichen0" oifname "lichen0" drop } }
Status isolate_ports(Netlink& netlink, const std::string& table, const std::string& bridge);

// Marks packets that come in for a socket with IP_TRANSPARENT, so that a routing rule can bring
// them to it although their destination is no address of ours (routing_rules.h). The table is replaced as by
// masquerade(), and errors are the same; the kernel needs nft_socket.
//     table inet NAME { chain prerouting { type filter hook prerouting priority mangle;
//       socket transparent 1 meta mark set 1 } }
Status mark_transparent(Netlink& netlink, const std::string& table, uint32_t mark);

// Removes the table; ENOENT if there is none.
Status delete_table(Netlink& netlink, const std::string& table);

}  // namespace lichen
