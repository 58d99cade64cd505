// lichen-ports: serves the host ports of a node's pods (service.h). The lichen daemon starts it.
#include <fcntl.h>

#include <cstdio>

#include "ports/service.h"

using namespace lichen;

namespace {

constexpr int kFirstConnection = 3;
constexpr int kRuntimeDirectory = 4;

}  // namespace

int main() {
  for (int number : {kFirstConnection, kRuntimeDirectory}) {
    if (fcntl(number, F_SETFD, FD_CLOEXEC) == 0) continue;
    fputs(
        "lichen-ports: descriptors 3 (connection) and 4 (runtime directory) are missing; the lichen daemon "
        "starts this program\n",
        stderr);
    return 2;
  }
  auto done = ports::serve_ports(Fd(kFirstConnection), Fd(kRuntimeDirectory));
  if (done) return 0;
  fprintf(stderr, "lichen-ports: %s\n", done.error().text().c_str());
  return 1;
}
