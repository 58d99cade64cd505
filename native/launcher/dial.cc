#include "launcher/dial.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/scm.h"

namespace lichen::launcher {

namespace {

int64_t now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// `getent` is dynamic and so may load NSS modules, which a static executable cannot.
Result<std::vector<std::string>> resolve(const std::string& host) {
  in6_addr numeric;
  if (inet_pton(AF_INET, host.c_str(), &numeric) == 1 || inet_pton(AF_INET6, host.c_str(), &numeric) == 1)
    return std::vector<std::string>{host};
  LICHEN_ASSIGN(Pipe out, make_pipe());
  pid_t child = fork();
  if (child < 0) return sys_error("fork", "getent");
  if (child == 0) {
    dup2(out.write.get(), STDOUT_FILENO);
    execlp("getent", "getent", "ahosts", host.c_str(), nullptr);
    _exit(127);
  }
  out.write.reset();
  auto text = read_all(out.read);
  int status = 0;
  waitpid(child, &status, 0);
  if (!text) return std::move(text).error();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return plain_error("ENOENT", "resolve", host, "no program `getent` on this machine");
  auto addresses = addresses_of(text.value());
  if (addresses.empty()) return plain_error("ENOTFOUND", "resolve", host, "no such host");
  return addresses;
}

Result<Fd> connect_to(const std::string& address, uint16_t port, int64_t deadline) {
  sockaddr_storage storage{};
  socklen_t size;
  if (auto* four = reinterpret_cast<sockaddr_in*>(&storage);
      inet_pton(AF_INET, address.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    size = sizeof *four;
  } else if (auto* six = reinterpret_cast<sockaddr_in6*>(&storage);
             inet_pton(AF_INET6, address.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    size = sizeof *six;
  } else {
    return plain_error("EINVAL", "connect", address, "not an address");
  }
  Fd fd(socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return sys_error("socket");
  std::string object = address + " port " + std::to_string(port);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0) return fd;
  if (errno != EINPROGRESS) return sys_error("connect", object);
  pollfd wait{fd.get(), POLLOUT, 0};
  int ready;
  do ready = poll(&wait, 1, static_cast<int>(std::max<int64_t>(0, deadline - now_ms())));
  while (ready < 0 && errno == EINTR);
  if (ready == 0) return sys_error("connect", object, ETIMEDOUT);
  int failure = 0;
  socklen_t length = sizeof failure;
  getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failure, &length);
  if (failure != 0) return sys_error("connect", object, failure);
  return fd;
}

struct Connection {
  Fd socket;
  std::string address;
};

Result<Connection> dial(const DialRequest& request) {
  int64_t deadline = now_ms() + request.timeout_ms;
  LICHEN_ASSIGN(std::vector<std::string> addresses, resolve(request.host));
  Error last;
  for (size_t i = 0; i < addresses.size(); i++) {
    // Each address gets its share of the time that is left, so a dead first one does not starve a living
    // second.
    int64_t share = (deadline - now_ms()) / static_cast<int64_t>(addresses.size() - i);
    auto socket = connect_to(addresses[i], request.port, now_ms() + share);
    if (socket) return Connection{std::move(socket).value(), addresses[i]};
    last = std::move(socket).error();
  }
  return last;
}

void answer(const Fd& daemon, const DialRequest& request) {
  auto connection = dial(request);
  nlohmann::json reply{{"id", request.id}};
  std::vector<const Fd*> descriptors;
  if (connection) {
    reply["ok"] = {{"address", connection->address}};
    descriptors.push_back(&connection->socket);
  } else {
    const Error& error = connection.error();
    reply["error"] = {{"operation", error.operation},
                      {"object", error.object},
                      {"cause", error.cause},
                      {"code", error.code},
                      {"errno", error.number}};
  }
  // Nobody is left to tell when the daemon is gone by now.
  (void)send_packet(daemon, reply.dump(), descriptors);
}

}  // namespace

std::vector<std::string> addresses_of(const std::string& getent_output) {
  std::vector<std::string> addresses;
  size_t at = 0;
  while (at < getent_output.size()) {
    size_t end = getent_output.find('\n', at);
    if (end == std::string::npos) end = getent_output.size();
    std::string line = getent_output.substr(at, end - at);
    at = end + 1;
    std::string address = line.substr(0, line.find_first_of(" \t"));
    if (!address.empty() && std::find(addresses.begin(), addresses.end(), address) == addresses.end())
      addresses.push_back(address);
  }
  return addresses;
}

Status start_dial(const Fd& daemon, const DialRequest& request) {
  // Twice, so that the dialling process is nobody's child here and needs no reaping by the supervisor.
  pid_t first = fork();
  if (first < 0) return sys_error("fork", "dial");
  if (first == 0) {
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (fork() == 0) answer(daemon, request);
    _exit(0);
  }
  while (waitpid(first, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace lichen::launcher
