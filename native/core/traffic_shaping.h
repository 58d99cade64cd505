// Limits on what a link sends (tc-tbf(8)).
#pragma once

#include <cstdint>
#include <string>

#include "core/netlink.h"

namespace lichen {

// Lets `link` send at most so many bits a second: a token bucket as its root queueing discipline, with room
// for a tenth of a second at that rate and at least two packets of the largest size. ENOENT on a kernel
// without sch_tbf.
Status limit_rate(Netlink& netlink, const std::string& link, uint64_t bits_per_second);

// Lets `link` send no faster than that, in bursts of no more than a few large packets, and keeps up to 32 MiB
// of what is to be sent meanwhile: for a receiver that drops what it gets too fast. ENOENT as above.
Status pace(Netlink& netlink, const std::string& link, uint64_t bits_per_second);

}  // namespace lichen
