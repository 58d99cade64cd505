// Which ids the node's user namespace gets, and putting them into force.
#pragma once

#include <sys/types.h>

#include "core/id_map.h"
#include "core/result.h"
#include "launcher/warning.h"

namespace lichen::launcher {

struct IdMapping {
  bool single = false;  // the user's own id only: no setgroups, no files of other owners
  std::vector<IdExtent> uids;
  std::vector<IdExtent> gids;
};

// The map that needs no helper: 0 inside is us outside.
IdMapping single_id_mapping();

// Every subordinate range of the user: from getsubids(1) where it is there (it asks NSS sources too), else
// from /etc/subuid and /etc/subgid. Single where ranges or newuidmap and newgidmap are missing; each
// shortcoming becomes a warning with the command that mends it.
IdMapping plan_id_mapping(Warnings& warnings);

// Puts the map into force for `pid`, a child that has just unshared its user namespace. By newgidmap(1) and
// newuidmap(1), or by writing the files where the map is single. After a failure the child is of no use any
// more: each file can be written once only. Code ID_MAP when a helper refused.
Status write_id_mapping(pid_t pid, const IdMapping& mapping);

// The command by which an administrator gives the user about a million more ids of both kinds, which nobody
// has.
std::string more_ids_command();

// Login name of the calling user; from /etc/passwd, else id(1); the number where neither knows one.
std::string login_name();

}  // namespace lichen::launcher
