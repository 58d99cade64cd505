// A stream of bytes over TCP, as fast as it goes, for measuring networks.
//   stream serve PORT            takes connections, each in a process of its own, and reads them to their end; prints "ready"
//   stream send HOST PORT BYTES  sends so many zero bytes and waits until the server has read them; prints MB/s
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];

static int fail(const char *what) {
  perror(what);
  return 1;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int serve(int port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&own, sizeof own) || listen(listener, 16)) return fail("listen");
  signal(SIGCHLD, SIG_IGN);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    if (fork() == 0) {
      while (read(client, buffer, sizeof buffer) > 0) {
      }
      return 0;
    }
    close(client);
  }
}

static int send_bytes(const char *host, int port, double bytes) {
  int server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, host, &peer.sin_addr);
  if (connect(server, (struct sockaddr *)&peer, sizeof peer)) return fail("connect");
  double began = now();
  for (double left = bytes; left > 0;) {
    ssize_t n = write(server, buffer, left < sizeof buffer ? (size_t)left : sizeof buffer);
    if (n <= 0) return fail("write");
    left -= (double)n;
  }
  shutdown(server, SHUT_WR);
  if (read(server, buffer, 1) != 0) return fail("read");
  printf("%.1f\n", bytes / 1e6 / (now() - began));
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && !strcmp(argv[1], "serve")) return serve(atoi(argv[2]));
  if (argc == 5 && !strcmp(argv[1], "send")) return send_bytes(argv[2], atoi(argv[3]), atof(argv[4]));
  fputs("usage: stream serve PORT | stream send HOST PORT BYTES\n", stderr);
  return 2;
}
