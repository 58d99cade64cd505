// The command line of lichen-launcher.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "core/result.h"

namespace lichen::launcher {

enum class UplinkChoice { kAuto, kPasta, kSlirp4netns, kNone };

struct UplinkWish {
  UplinkChoice choice = UplinkChoice::kAuto;
  bool host_loopback = false;  // the gateway's address leads to the host's own loopback
};

struct ServeOptions {
  std::string runtime_dir;  // absolute
  std::string data_dir;     // absolute
  UplinkWish uplink;
  std::string cgroup = "auto";  // "auto", "none", or the absolute path of a directory
  bool single_id = false;       // map the user's own id only, whatever ranges there are
  std::vector<std::string> command;
};

struct EnterOptions {
  std::string runtime_dir;  // absolute
  std::vector<std::string> command;
  bool systemd = false;  // show the user's systemd and its cgroups as the machine's
};

struct UnshareOptions {
  std::vector<std::string> command;
};

struct CheckOptions {
  std::string data_dir;  // where overlay mounts are tried; "" for the user's own choice
};

struct HelpOptions {};

using Options = std::variant<ServeOptions, EnterOptions, UnshareOptions, CheckOptions, HelpOptions>;

inline constexpr char kUsage[] =
    "usage: lichen-launcher serve --runtime-dir R --data-dir D [--uplink auto|pasta|slirp4netns|none]\n"
    "                             [--cgroup auto|none|PATH] [--ids auto|single] [--host-loopback on|off]\n"
    "                             -- COMMAND [ARGUMENT…]\n"
    "       lichen-launcher enter --runtime-dir R [--cgroups node|systemd] -- COMMAND [ARGUMENT…]\n"
    "       lichen-launcher unshare -- COMMAND [ARGUMENT…]\n"
    "       lichen-launcher check [--data-dir D]\n";

// Reads the arguments after the program's name. Relative paths are taken from the working directory. Code
// USAGE for anything that is not in kUsage.
Result<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace lichen::launcher
