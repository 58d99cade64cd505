#include "service/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "core/process_identity.h"

namespace lichen {

Status write_pid_file(const Fd& directory, const char* name) {
  LICHEN_ASSIGN(ProcessIdentity self, identify_process(getpid()));
  std::string text = format_pid_file(self);
  LICHEN_ASSIGN(Fd file, open_at(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  LICHEN_TRY(write_all(file, text.data(), text.size()));
  return file.close();
}

bool is_own_pid_file(const Fd& directory, const char* name) {
  auto file = open_at(directory, name, O_RDONLY | O_NOFOLLOW);
  auto text = file ? read_all(file.value()) : Result<std::string>(file.error());
  auto identity = text ? parse_pid_file(text.value()) : std::nullopt;
  return identity && identity->pid == getpid();
}

}  // namespace lichen
