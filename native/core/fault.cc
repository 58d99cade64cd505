#include "core/fault.h"

#ifdef LICHEN_FAULTS

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/result.h"

namespace lichen::fault {

namespace {

constexpr size_t kSize = 4096, kTold = 512;

char* page = nullptr;  // shared with the test and with every copy of this process
int left = 0;          // steps until the one that fails; 0: none will

std::string place(const char* file, int line) {
  const char* native = strstr(file, "native/");
  return std::string(native == nullptr ? file : native) + ":" + std::to_string(line);
}

}  // namespace

void arm(const char* name) {
  left = 0;
  if (page == nullptr) {
    std::string path = program_invocation_name;
    path = path.substr(0, path.rfind('/') + 1) + "fault";
    int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void* mapped = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped == MAP_FAILED) return;
    page = static_cast<char*>(mapped);
  }
  char asked[32] = "";
  int number = 0;
  if (sscanf(page, "%31s %d", asked, &number) == 2 && strcmp(asked, name) == 0) left = number;
}

bool due(const char* file, int line) {
  if (left == 0 || --left > 0) return false;
  snprintf(page + kTold, kSize - kTold, "%s\n", place(file, line).c_str());
  return true;
}

Error failure(const char* file, int line) {
  return plain_error("INJECTED", "fail on demand", place(file, line), "a test asked for it");
}

}  // namespace lichen::fault

#endif
