// How the kernel batches packets on a link (ethtool(8) -k): of each, the two that decide by which way packets
// of a veth(4) pair come to the other end.
#pragma once

#include <string>

#include "core/netlink.h"

namespace lichen {

// Packets of a veth whose one end has no TSO and whose other end has GRO go through one queue, in the order
// they were sent in. Otherwise they wait in the queue of whichever CPU sent them, and a stream whose sender
// moves from CPU to CPU arrives in disorder (drivers/net/veth.c, veth_skb_is_eligible_for_gro). With packets
// as large as the link's MTU of 64 KiB, TSO has nothing to gain.
//
// `sender` and `receiver` are sockets of the namespaces of the two ends. EOPNOTSUPP on a kernel without the
// switches.
Status keep_order(Netlink& sender_netns, const std::string& sender, Netlink& receiver_netns,
                  const std::string& receiver);

}  // namespace lichen
