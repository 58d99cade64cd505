#include "core/process_usage.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>

using namespace lichen;

namespace {

constexpr size_t kMebibyte = 1 << 20;

// A process that waits in pause() until it is killed, after `work`.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    pid_ = fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      work();
      (void)!write(ready[1], "x", 1);
      for (;;) pause();
    }
    char byte;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    // On its way into pause() it still touches memory.
    SmallFiles files;
    std::string stat = "/proc/" + std::to_string(pid_) + "/stat";
    for (int tries = 0; tries < 500; tries++) {
      auto text = files.read(stat);
      if (text && text->find(") S ") != std::string_view::npos) return;
      usleep(10'000);
    }
    FAIL("the child does not come to rest");
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

void* touched(size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(memory, 1, size);
  return memory;
}

}  // namespace

TEST_CASE("the fields of a process are found behind whatever its name is") {
  auto usage = parse_process_stat(
      "7 (a) b (c) S 1 2 3 4 5 6 10 11 12 13 14 15 16 17 18 19 20 21 2200 230000 24 25 26\n");
  REQUIRE(usage);
  CHECK(usage->minor_faults == 10);
  CHECK(usage->major_faults == 12);
  CHECK(usage->user_ticks == 14 + 16);
  CHECK(usage->system_ticks == 15 + 17);
  CHECK(usage->threads == 20);
  CHECK(usage->start_time == 2200);
  CHECK(usage->virtual_bytes == 230000);
  CHECK(usage->rss == 24.0 * sysconf(_SC_PAGESIZE));
  CHECK(usage->pss == usage->rss);
  CHECK(!parse_process_stat(""));
  CHECK(!parse_process_stat("7 a"));
}

TEST_CASE("a process that has ended uses nothing that could be told") {
  ProcessReader reader;
  SmallFiles files;
  pid_t gone = 0;
  {
    Child child([] {});
    gone = child.pid();
    CHECK(reader.read(files, gone));
  }
  CHECK(!reader.read(files, gone));
}

TEST_CASE("memory that a process takes is seen at the next look") {
  ProcessReader reader;
  SmallFiles files;
  Child child([] { signal(SIGUSR1, [](int) { touched(8 * kMebibyte); }); });
  auto before = reader.read(files, child.pid());
  REQUIRE(before);
  CHECK(before->pss > 0);
  auto again = reader.read(files, child.pid());
  REQUIRE(again);
  CHECK(again->pss == before->pss);
  kill(child.pid(), SIGUSR1);
  double pss = 0;
  for (int tries = 0; tries < 500 && pss < before->pss + 7 * kMebibyte; tries++) {
    usleep(10'000);
    pss = reader.read(files, child.pid())->pss;
  }
  CHECK(pss >= before->pss + 7 * kMebibyte);
}

TEST_CASE("what others share of an idle process's memory is looked at again after a while") {
  SmallFiles files;
  void* shared = touched(8 * kMebibyte);
  ProcessReader patient(std::chrono::minutes(10));
  ProcessReader impatient(std::chrono::milliseconds(20));
  Child child([&] { (void)!memchr(shared, 0, 8 * kMebibyte); });
  auto before = patient.read(files, child.pid());
  REQUIRE(before);
  REQUIRE(impatient.read(files, child.pid()));
  // The other owner of half of it goes: now all of it is the child's, which has done nothing.
  munmap(shared, 8 * kMebibyte);
  usleep(40'000);
  auto after = impatient.read(files, child.pid());
  REQUIRE(after);
  CHECK(after->pss > before->pss + 3 * kMebibyte);
  CHECK(patient.read(files, child.pid())->pss == before->pss);
}

TEST_CASE("children of children are found") {
  SmallFiles files;
  Child child([] {
    if (fork() == 0)
      for (;;) pause();
  });
  auto family = ProcessReader::descendants(files, child.pid());
  REQUIRE(family.size() == 2);
  CHECK(family[0] == child.pid());
  kill(family[1], SIGKILL);
  CHECK(ProcessReader::descendants(files, getpid()).size() >= 2);
}
