#include "core/cgroup_usage.h"

#include <doctest/doctest.h>

#include <string>

#include "scratch_directory.h"

using namespace lichen;

namespace {

struct Read {
  Figures figures;
  std::vector<DeviceIo> devices;
};

Read read(const ScratchDirectory& cgroup, UsageControllers controllers) {
  SmallFiles files;
  Read read;
  read_cgroup_usage(files, cgroup.open(), controllers, read.figures, read.devices);
  return read;
}

}  // namespace

TEST_CASE("every figure of a cgroup comes from its own place in the kernel's files") {
  ScratchDirectory cgroup;
  cgroup.file("cpu.stat",
              "usage_usec 1\nuser_usec 2\nsystem_usec 3\nnice_usec 99\nnr_periods 4\nnr_throttled "
              "5\nthrottled_usec 6\n");
  cgroup.file(
      "cpu.pressure",
      "some avg10=8.00 avg60=9.50 avg300=10.25 total=7\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=11\n");
  cgroup.file("memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n");
  cgroup.file(
      "io.pressure",
      "some avg10=0.00 avg60=0.00 avg300=0.00 total=13\nfull avg10=1.00 avg60=0.00 avg300=0.00 total=14\n");
  cgroup.file("memory.current", "1000\n");
  cgroup.file("memory.stat",
              "anon 20\nfile 21\nkernel 22\nfile_mapped 23\ninactive_file 300\nactive_file 25\npgfault "
              "26\npgmajfault 27\n");
  cgroup.file("memory.max", "2000\n");
  cgroup.file("memory.peak", "1500\n");
  cgroup.file("memory.events", "low 0\nhigh 0\nmax 28\noom 0\noom_kill 29\n");
  cgroup.file("memory.swap.current", "30\n");
  cgroup.file("memory.swap.max", "max\n");
  cgroup.file("pids.current", "31\n");
  cgroup.file("io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:0 \n8:16 rbytes=5\n");
  auto [figures, devices] = read(cgroup, {true, true, true});
  double cpu[] = {1, 2, 3, 4, 5, 6, 7, 8, 9.5, 10.25, 11, 0, 0, 0};
  for (size_t i = 0; i < std::size(cpu); i++) CHECK(figures[i] == doctest::Approx(cpu[i]));
  CHECK(figures[kMemoryPressure] == 12);
  CHECK(figures[kMemoryPressure + 4] == 0);  // what is not told of `full` is nothing
  CHECK(figures[kIoPressure] == 13);
  CHECK(figures[kIoPressure + 4] == 14);
  CHECK(figures[kIoPressure + 5] == 1);
  double memory[] = {1000, 700, 20, 26, 27, 1300, 21, 23, 25, 300, 22, 1500, 28, 29, 30};
  for (size_t i = 0; i < std::size(memory); i++) CHECK(figures[kMemoryUsage + i] == memory[i]);
  CHECK(!known(figures[kSwapAvailable]));
  CHECK(figures[kThreads] == 31);
  REQUIRE(devices.size() == 2);
  CHECK(devices[0].name == "8:0");
  CHECK(devices[0].figures == std::array<double, 4>{1, 2, 3, 4});
  CHECK(devices[1].name == "8:16");
  CHECK(devices[1].figures == std::array<double, 4>{5, 0, 0, 0});
}

TEST_CASE("without controllers their files are not read, and what is not there is unknown") {
  ScratchDirectory cgroup;
  cgroup.file("cpu.stat", "usage_usec 7\nuser_usec 4\nsystem_usec 3\n");
  cgroup.file("memory.current", "1000\n");
  cgroup.file("pids.current", "3\n");
  auto [figures, devices] = read(cgroup, {});
  CHECK(figures[kCpuUsage] == 7);
  for (Figure figure :
       {kPeriods, kThrottledPeriods, kCpuPressure, kIoPressure, kMemoryUsage, kSwapUsage, kThreads})
    CHECK(!known(figures[figure]));
  CHECK(devices.empty());
  CHECK(!known(read(ScratchDirectory(), {true, true, true}).figures[kCpuUsage]));
}

TEST_CASE("a working set is never negative, and what is left below a limit neither") {
  ScratchDirectory cgroup;
  cgroup.file("memory.current", "10\n");
  cgroup.file("memory.stat", "inactive_file 30\n");
  cgroup.file("memory.max", "0\n");
  auto [figures, devices] = read(cgroup, {true, false, false});
  CHECK(figures[kWorkingSet] == 0);
  CHECK(figures[kMemoryAvailable] == 0);
  CHECK(!known(figures[kPeak]));
  CHECK(!known(figures[kSwapUsage]));
}

TEST_CASE("a text that tells no pressure leaves it unknown") {
  for (const char* text : {"", "nonsense", "full avg10=1 avg60=1 avg300=1 total=1\n"}) {
    Figures figures;
    parse_pressure(text, kCpuPressure, figures);
    CHECK(!known(figures[kCpuPressure]));
  }
}

TEST_CASE("lists of processes are read with either separator") {
  CHECK(parse_pids("1\n22\n333\n", '\n') == std::vector<pid_t>{1, 22, 333});
  CHECK(parse_pids("4 5 ", ' ') == std::vector<pid_t>{4, 5});
  CHECK(parse_pids("", '\n').empty());
  CHECK(parse_pids("0\nx\n", '\n').empty());
}
