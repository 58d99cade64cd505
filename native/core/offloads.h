// How the kernel batches packets on a link: by which way packets of a veth(4) pair come to the other end
// (ethtool(8) -k), and how many of a TCP stream travel as one.
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

// Lets a TCP stream travel over `link` in batches of up to 256 KiB instead of 64 KiB, which at an MTU of
// 64 KiB is a single packet (ip-link(8), gso_max_size and gro_max_size, "BIG TCP"): each crossing of a link
// costs a quarter. A link that takes less gets them in pieces, from the kernel. Linux < 6.3 takes them for
// IPv6 only; EINVAL before 5.19.
Status allow_large_batches(Netlink& netns, const std::string& link);

}  // namespace lichen
