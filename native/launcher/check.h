// `lichen-launcher check`: what this machine lets an unprivileged user do, found by trying.
#pragma once

#include <string>
#include <vector>

#include "launcher/options.h"

namespace lichen::launcher {

struct Trial {
  std::string id;      // stable: "userns"
  bool ok = false;     // works as lichen wants it
  std::string detail;  // what was found
  std::string hint;    // a command that mends it, "" where nothing is to mend
};

// A JSON array of trials for `lichen doctor`: [{"id":"userns","ok":true,"detail":"…","hint":"…"}, …]. Leaves
// nothing behind.
std::string check(const CheckOptions& options);

// The groups that check() puts together.
std::vector<Trial> check_host();    // kernel, runtime directory, linger, TUN, AppArmor, SELinux
std::vector<Trial> check_cgroup();  // delegation, controllers
std::vector<Trial> check_namespaces(const std::string& data_dir);  // ids, overlay, nftables, uplink, …

// "6.1.0-13-amd64" is at least 6.1. For tests.
bool kernel_at_least(const std::string& release, int major, int minor);

}  // namespace lichen::launcher
