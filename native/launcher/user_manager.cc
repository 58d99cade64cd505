#include "launcher/user_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "core/text.h"
#include "launcher/cgroup_path.h"

namespace lichen::launcher {

namespace {

std::string private_socket() {
  const char* runtime = getenv("XDG_RUNTIME_DIR");
  return runtime == nullptr ? "" : std::string(runtime) + "/systemd/private";
}

UserManager without(const std::string& reason) {
  UserManager manager;
  manager.reason = reason;
  return manager;
}

}  // namespace

Fd connect_user_manager() {
  std::string path = private_socket();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return {};
  path.copy(address.sun_path, path.size());
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket || connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return socket;
}

std::string manager_root(const std::string& own_cgroup) {
  constexpr std::string_view kLeaf = "/init.scope";
  return own_cgroup.ends_with(kLeaf) ? own_cgroup.substr(0, own_cgroup.size() - kLeaf.size()) : "";
}

UserManager find_user_manager() {
  Fd socket = connect_user_manager();
  if (!socket) return without("no systemd of this user answers");
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return without(sys_error("getsockopt(SO_PEERCRED)").text());
  if (peer.uid != getuid() || peer.pid <= 0) return without("the systemd that answers is not this user's");
  auto text = read_file("/proc/" + std::to_string(peer.pid) + "/cgroup");
  auto mountinfo = read_file("/proc/self/mountinfo");
  auto own = text ? find_cgroup_path(text.value()) : std::nullopt;
  auto mount = mountinfo ? find_cgroup_mount(mountinfo.value()) : std::nullopt;
  std::string path = own ? manager_root(*own) : "";
  auto directory = path.empty() || !mount ? std::nullopt : cgroup_directory(*mount, path);
  if (!directory) return without("the cgroup of the user's systemd is not to be seen here");
  UserManager manager{private_socket(), path, *directory, {}, ""};
  auto controllers = read_file(*directory + "/cgroup.controllers");
  if (!controllers) return without(controllers.error().text());
  for (std::string_view word : split_words(trim(controllers.value()))) manager.controllers.emplace_back(word);
  return manager;
}

}  // namespace lichen::launcher
