#include "launcher/options.h"

#include <unistd.h>

#include <map>

namespace lichen::launcher {

namespace {

Error usage(const std::string& object, const std::string& cause) {
  return plain_error("USAGE", "read arguments", object, cause);
}

// `--name value` and `--name=value` pairs up to `--`, and what follows it.
struct Split {
  std::map<std::string, std::string> values;
  std::vector<std::string> command;
};

Result<Split> split_arguments(const std::vector<std::string>& arguments,
                              const std::vector<std::string>& known) {
  Split split;
  for (size_t i = 1; i < arguments.size(); i++) {
    std::string name = arguments[i];
    if (name == "--") {
      split.command.assign(arguments.begin() + static_cast<long>(i) + 1, arguments.end());
      break;
    }
    size_t equals = name.find('=');
    bool has_value = equals != std::string::npos;
    std::string value = has_value ? name.substr(equals + 1) : "";
    name = name.substr(0, equals);
    bool is_known = false;
    for (const std::string& one : known) is_known = is_known || one == name;
    if (!is_known) return usage("\"" + arguments[i] + "\"", "unknown option");
    if (!has_value) {
      if (i + 1 == arguments.size()) return usage(name, "needs a value");
      value = arguments[++i];
    }
    if (value.empty()) return usage(name, "needs a value that is not empty");
    split.values[name] = value;
  }
  return split;
}

std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  char directory[4096];
  return getcwd(directory, sizeof directory) ? std::string(directory) + "/" + path : path;
}

Result<Options> parse_serve(Split split) {
  ServeOptions options;
  options.runtime_dir = absolute(split.values["--runtime-dir"]);
  options.data_dir = absolute(split.values["--data-dir"]);
  if (options.runtime_dir.empty()) return usage("--runtime-dir", "is missing");
  if (options.data_dir.empty()) return usage("--data-dir", "is missing");

  std::string uplink = split.values.count("--uplink") ? split.values["--uplink"] : "auto";
  if (uplink == "pasta")
    options.uplink.choice = UplinkChoice::kPasta;
  else if (uplink == "slirp4netns")
    options.uplink.choice = UplinkChoice::kSlirp4netns;
  else if (uplink == "none")
    options.uplink.choice = UplinkChoice::kNone;
  else if (uplink != "auto")
    return usage("--uplink \"" + uplink + "\"", "must be auto, pasta, slirp4netns or none");

  std::string loopback = split.values.count("--host-loopback") ? split.values["--host-loopback"] : "off";
  if (loopback != "on" && loopback != "off")
    return usage("--host-loopback \"" + loopback + "\"", "must be on or off");
  options.uplink.host_loopback = loopback == "on";

  if (split.values.count("--cgroup")) options.cgroup = split.values["--cgroup"];
  if (options.cgroup != "auto" && options.cgroup != "none" && options.cgroup[0] != '/')
    return usage("--cgroup \"" + options.cgroup + "\"", "must be auto, none or an absolute path");

  std::string ids = split.values.count("--ids") ? split.values["--ids"] : "auto";
  if (ids != "auto" && ids != "single") return usage("--ids \"" + ids + "\"", "must be auto or single");
  options.single_id = ids == "single";

  options.command = std::move(split.command);
  if (options.command.empty()) return usage("-- COMMAND", "is missing");
  return Options(std::move(options));
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return usage("command", "is missing: serve, enter, unshare or check");
  const std::string& verb = arguments[0];
  if (verb == "--help" || verb == "-h" || verb == "help") return Options(HelpOptions{});
  if (verb == "serve") {
    LICHEN_ASSIGN(Split split, split_arguments(arguments, {"--runtime-dir", "--data-dir", "--uplink",
                                                           "--cgroup", "--ids", "--host-loopback"}));
    return parse_serve(std::move(split));
  }
  if (verb == "enter") {
    LICHEN_ASSIGN(Split split, split_arguments(arguments, {"--runtime-dir", "--cgroups"}));
    EnterOptions options{absolute(split.values["--runtime-dir"]), std::move(split.command)};
    std::string cgroups = split.values.count("--cgroups") ? split.values["--cgroups"] : "node";
    if (cgroups != "node" && cgroups != "systemd")
      return usage("--cgroups \"" + cgroups + "\"", "must be node or systemd");
    options.systemd = cgroups == "systemd";
    if (options.runtime_dir.empty()) return usage("--runtime-dir", "is missing");
    if (options.command.empty()) return usage("-- COMMAND", "is missing");
    return Options(std::move(options));
  }
  if (verb == "unshare") {
    LICHEN_ASSIGN(Split split, split_arguments(arguments, {}));
    UnshareOptions options{std::move(split.command)};
    if (options.command.empty()) return usage("-- COMMAND", "is missing");
    return Options(std::move(options));
  }
  if (verb == "check") {
    LICHEN_ASSIGN(Split split, split_arguments(arguments, {"--data-dir"}));
    if (!split.command.empty()) return usage("check", "takes no command");
    return Options(CheckOptions{absolute(split.values["--data-dir"])});
  }
  return usage("\"" + verb + "\"", "unknown command: serve, enter, unshare or check");
}

}  // namespace lichen::launcher
