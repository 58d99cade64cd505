#include "core/user_namespace.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/child_process.h"
#include "core/json.h"
#include "core/scm.h"

namespace lichen {

namespace {

void end(const ChildProcess& child) {
  kill(child.pid, SIGKILL);
  while (waitpid(child.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Lives until its parent has taken what it holds, or is gone.
[[noreturn]] void hold(const Fd& until_closed) {
  close_all_but({&until_closed});
  char byte;
  while (read(until_closed.get(), &byte, 1) < 0 && errno == EINTR) {
  }
  _exit(0);
}

Status write_map(const std::string& path, const std::vector<IdExtent>& extents) {
  std::string text, shown;
  for (const IdExtent& extent : extents) {
    std::string line = std::to_string(extent.inside) + " " + std::to_string(extent.outside) + " " +
                       std::to_string(extent.count);
    text += line + "\n";
    shown += (shown.empty() ? "" : ", ") + line;
  }
  auto done = write_file(path, text);
  if (done) return {};
  return std::move(done).error().about("map ids of user namespace",
                                       path.substr(path.rfind('/') + 1) + " " + shown);
}

Result<NestedNamespaces> take(const ChildProcess& holder, const NestedIdMap& map, int more) {
  std::string process = "/proc/" + std::to_string(holder.pid) + "/";
  LICHEN_TRY(write_map(process + "gid_map", map.gids));
  LICHEN_TRY(write_map(process + "uid_map", map.uids));
  NestedNamespaces taken;
  auto open = [&](const char* name) { return open_at(Fd(), process + "ns/" + name, O_RDONLY); };
  LICHEN_ASSIGN(taken.user, open("user"));
  if (more & CLONE_NEWNET) {
    LICHEN_ASSIGN(taken.network, open("net"));
  }
  if (more & CLONE_NEWIPC) {
    LICHEN_ASSIGN(taken.ipc, open("ipc"));
  }
  if (more & CLONE_NEWUTS) {
    LICHEN_ASSIGN(taken.uts, open("uts"));
  }
  return taken;
}

// What the copy had to say: nothing, or its Error as JSON.
Status read_outcome(const Fd& channel) {
  LICHEN_ASSIGN(std::optional<Packet> packet, receive_packet(channel));
  if (!packet) return plain_error("DIED", "work in user namespace", "", "the process died");
  if (packet->bytes == "{}") return {};
  LICHEN_ASSIGN(JsonDocument document, JsonDocument::parse(packet->bytes, "outcome"));
  return error_from_json(document.root());
}

}  // namespace

uint32_t outer_id(const std::vector<IdExtent>& extents, uint32_t inside) {
  for (const IdExtent& extent : extents)
    if (inside >= extent.inside && inside - extent.inside < extent.count)
      return extent.outside + (inside - extent.inside);
  return UINT32_MAX;
}

Result<NestedNamespaces> make_nested_namespaces(const NestedIdMap& map, int more) {
  LICHEN_ASSIGN(Pipe pipe, make_pipe());
  auto holder = clone_process(static_cast<unsigned long>(CLONE_NEWUSER | more), Fd());
  if (!holder) return std::move(holder).error().about("make user namespace", "");
  if (holder->pid == 0) {
    pipe.write.reset();
    hold(pipe.read);
  }
  auto taken = take(*holder.operator->(), map, more);
  end(*holder.operator->());
  return taken;
}

Status become_namespace_root() {
  if (setgroups(0, nullptr) != 0) return sys_error("setgroups", "(root of user namespace)");
  if (setresgid(0, 0, 0) != 0) return sys_error("setresgid", "(root of user namespace)");
  if (setresuid(0, 0, 0) != 0) return sys_error("setresuid", "(root of user namespace)");
  return {};
}

Status enter_as_root(const Fd& user) {
  if (setns(user.get(), CLONE_NEWUSER) != 0) return sys_error("setns", "user namespace");
  return become_namespace_root();
}

Status run_as_namespace_root(const Fd& user, const std::function<Status()>& work) {
  LICHEN_ASSIGN(SocketPair channel, make_packet_pair());
  LICHEN_ASSIGN(ChildProcess child, clone_process(0, Fd()));
  if (child.pid == 0) {
    Status done = enter_as_root(user);
    if (done) done = work();
    (void)send_packet(channel.second, done ? "{}" : error_to_json(done.error()));
    _exit(0);
  }
  channel.second.reset();
  Status outcome = read_outcome(channel.first);
  end(child);
  return outcome;
}

}  // namespace lichen
