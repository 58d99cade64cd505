#include "core/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/root_path.h"

namespace lichen {

Result<Terminal> open_terminal(const Fd& root, const TerminalSize& size, uid_t owner) {
  Terminal terminal;
  LICHEN_ASSIGN(terminal.master, open_in_root(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
  struct statfs place {};
  if (fstatfs(terminal.master.get(), &place) != 0) return sys_error("fstatfs", "/dev/pts/ptmx");
  if (place.f_type != DEVPTS_SUPER_MAGIC)
    return plain_error("ENOTTY", "open terminal", "/dev/pts/ptmx", "not on a devpts file system");
  int unlocked = 0;
  if (ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0) return sys_error("ioctl", "TIOCSPTLCK");
  terminal.slave = Fd(ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave) return sys_error("ioctl", "TIOCGPTPEER");
  LICHEN_TRY(resize_terminal(terminal.master, size));
  if (fchown(terminal.slave.get(), owner, static_cast<gid_t>(-1)) != 0)
    return sys_error("fchown", "terminal to uid " + std::to_string(owner));
  return terminal;
}

Status resize_terminal(const Fd& master, const TerminalSize& size) {
  winsize window{size.rows, size.columns, 0, 0};
  if (ioctl(master.get(), TIOCSWINSZ, &window) != 0) return sys_error("ioctl", "TIOCSWINSZ");
  return {};
}

Status adopt_terminal(const Fd& slave) {
  if (ioctl(slave.get(), TIOCSCTTY, 0) != 0) return sys_error("ioctl", "TIOCSCTTY");
  for (int number = 0; number <= 2; number++)
    if (dup2(slave.get(), number) < 0) return sys_error("dup2", std::to_string(number));
  return {};
}

}  // namespace lichen
