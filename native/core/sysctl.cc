#include "core/sysctl.h"

#include <array>
#include <string_view>

#include "core/fd.h"

namespace lichen {

namespace {

// The list of Kubernetes and runc: kept per IPC namespace by the kernel (ipc_namespaces(7)).
constexpr std::array kIpc = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                             "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};

bool separated_by_slashes(const std::string& name) {
  size_t first = name.find_first_of("./");
  return first != std::string::npos && name[first] == '/';
}

std::string dotted(std::string name) {
  if (!separated_by_slashes(name)) return name;
  for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return name;
}

}  // namespace

std::string sysctl_path(const std::string& name) {
  std::string path = dotted(name);
  for (char& c : path) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return path;
}

Result<SysctlNamespace> sysctl_namespace(const std::string& name) {
  std::string plain = dotted(name);
  if (("." + plain + ".").find("..") != std::string::npos ||
      sysctl_path(name).find("/..") != std::string::npos)
    return plain_error("INVALID_SYSCTL", "set sysctl", "\"" + name + "\"",
                       "not the name of a kernel parameter");
  if (plain.starts_with("net.")) return SysctlNamespace::network;
  if (plain.starts_with("fs.mqueue.")) return SysctlNamespace::ipc;
  for (std::string_view known : kIpc)
    if (plain == known) return SysctlNamespace::ipc;
  return plain_error("UNSAFE_SYSCTL", "set sysctl", "\"" + name + "\"", "belongs to the node, not to a pod");
}

Status set_sysctl(const std::string& name, const std::string& value) {
  auto done = write_file("/proc/sys/" + sysctl_path(name), value);
  if (!done) return std::move(done).error().about("set sysctl", name + "=" + value);
  return {};
}

}  // namespace lichen
