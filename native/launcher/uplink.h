// The uplink: the program that carries the node's network to the host's, as ordinary sockets of the user.
#pragma once

#include <optional>
#include <string>

#include "core/process_identity.h"
#include "launcher/options.h"
#include "launcher/subnet.h"
#include "launcher/warning.h"

namespace lichen::launcher {

inline constexpr char kUplinkInterface[] = "tap0";
// One MTU throughout, as large as pasta and slirp4netns allow: smaller ones cost a factor of ten.
inline constexpr int kUplinkMtu = 65520;

// Where the uplink writes what it has to say.
struct UplinkFiles {
  std::string log;    // its stderr
  std::string ready;  // made by the uplink when it is set up
};

// A running uplink; the destructor lets it run on.
struct UplinkProcess {
  std::string kind;  // "pasta" or "slirp4netns"
  ProcessIdentity identity;
  Fd pidfd;
};

// What is known about the uplink, for node.json.
struct UplinkState {
  std::string kind = "none";
  Subnet subnet;
  bool host_loopback = false;  // the gateway's address leads to the host's own loopback
  std::string reason;          // why there is none, or not the better one
  std::string down;            // why the one that there was does not run at this moment
};

// Starts pasta(1), configured so that the node has `subnet`, reaches the host's loopback by the gateway's
// address only if that is wished for, and forwards no port. `pid` is a process in the node's namespaces.
// Returns when the interface is up.
Result<UplinkProcess> start_pasta(const std::string& program, pid_t pid, const Subnet& subnet,
                                  bool host_loopback, const UplinkFiles& files);

// The same by slirp4netns(1): slower and IPv4 only, but it also runs where the host has no default route.
Result<UplinkProcess> start_slirp4netns(const std::string& program, pid_t pid, const Subnet& subnet,
                                        bool host_loopback, const UplinkFiles& files);

struct StartedUplink {
  UplinkState state;
  std::optional<UplinkProcess> process;
};

// Tries what the choice allows, the better one first. None at all is not a failure of the node: the reason is
// kept and becomes a warning with the command that mends it.
StartedUplink start_uplink(const UplinkWish& wish, pid_t pid, const Subnet& subnet, const UplinkFiles& files,
                           Warnings& warnings);

// Ends an uplink (SIGTERM, after a second SIGKILL) and reaps it if it is our child.
void end_uplink(const UplinkProcess& uplink);

// For the two starters: waits until `ready` says so, the process ends, or five seconds are over; a process
// that did not become ready is killed, and the error carries the last line of the log.
Result<UplinkProcess> await_uplink(const std::string& kind, pid_t pid, Fd pidfd, const UplinkFiles& files);

}  // namespace lichen::launcher
