#include "monitor/exit_record.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "core/clock.h"
#include "core/text.h"

namespace lichen::monitor {

namespace {

constexpr const char* kDirectory = "exits";

}  // namespace

Exit exit_from_status(int status) {
  Exit exit;
  exit.at = now_ns();
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
    exit.code = 128 + exit.signal;
  } else {
    exit.code = WEXITSTATUS(status);
  }
  return exit;
}

void write_exit(JsonObject& object, const Exit& exit) {
  object.number("code", exit.code).number("signal", exit.signal).text("at", std::to_string(exit.at));
}

Status save_exit_record(const Fd& pod_directory, const std::string& container, const Exit& exit) {
  if (mkdirat(pod_directory.get(), kDirectory, 0700) != 0 && errno != EEXIST)
    return sys_error("mkdir", kDirectory);
  LICHEN_ASSIGN(Fd directory, open_at(pod_directory, kDirectory, O_PATH | O_DIRECTORY | O_NOFOLLOW));
  JsonObject record;
  write_exit(record, exit);
  record.flag("oom", exit.oom);
  std::string text = record.str() + "\n";
  std::string unfinished = "." + container;
  LICHEN_ASSIGN(Fd file, open_at(directory, unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  LICHEN_TRY(write_all(file, text.data(), text.size()));
  LICHEN_TRY(file.close());
  if (renameat(directory.get(), unfinished.c_str(), directory.get(), container.c_str()) != 0)
    return sys_error("rename", "exit record of " + container);
  return {};
}

void remove_exit_record(const Fd& pod_directory, const std::string& container) {
  unlinkat(pod_directory.get(), (std::string(kDirectory) + "/" + container).c_str(), 0);
}

bool killed_for_memory(const std::string& cgroup) {
  if (cgroup.empty()) return false;
  auto events = read_file(cgroup + "/memory.events");
  if (!events) return false;
  for (std::string_view line : split(*events.operator->(), '\n')) {
    auto words = split_words(line);
    if (words.size() == 2 && words[0] == "oom_kill") return words[1] != "0";
  }
  return false;
}

}  // namespace lichen::monitor
