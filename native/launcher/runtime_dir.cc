#include "launcher/runtime_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace lichen::launcher {

namespace {

Status require_private(const std::string& path) {
  auto unsafe = [&](const char* cause) {
    return plain_error("UNSAFE_DIRECTORY", "use runtime directory", "\"" + path + "\"", cause);
  };
  struct stat status;
  if (lstat(path.c_str(), &status) != 0) return sys_error("stat", "\"" + path + "\"");
  if (!S_ISDIR(status.st_mode)) return unsafe("is not a directory");
  if (status.st_uid != geteuid()) return unsafe("belongs to another user");
  if ((status.st_mode & 077) != 0 && chmod(path.c_str(), 0700) != 0)
    return sys_error("chmod", "\"" + path + "\"");
  return {};
}

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

// A record lock (fcntl(2)) and not flock(2): children do not inherit it, so that one that outlives a killed
// launcher for a moment does not keep the next one out, and the kernel tells whose it is.
Result<Fd> lock_directory(const std::string& path) {
  LICHEN_ASSIGN(Fd fd, open_at({}, path + "/launcher.lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  struct flock wanted = whole_file(F_WRLCK);
  if (fcntl(fd.get(), F_SETLK, &wanted) == 0) return fd;
  if (errno != EAGAIN && errno != EACCES) return sys_error("lock", "\"" + path + "/launcher.lock\"");
  struct flock held = whole_file(F_WRLCK);
  fcntl(fd.get(), F_GETLK, &held);
  std::string holder =
      held.l_type == F_UNLCK ? "another launcher" : "the launcher with PID " + std::to_string(held.l_pid);
  return plain_error("LOCKED", "lock runtime directory", "\"" + path + "\"", holder + " is serving it");
}

}  // namespace

Status make_directories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) return sys_error("mkdir", "\"" + part + "\"");
    if (slash == std::string::npos) return {};
  }
}

Result<RuntimeDirectory> RuntimeDirectory::open(const std::string& path) {
  LICHEN_TRY(make_directories(path));
  LICHEN_TRY(require_private(path));
  LICHEN_ASSIGN(Fd lock, lock_directory(path));
  return RuntimeDirectory(path, std::move(lock));
}

std::string RuntimeDirectory::identity() const {
  struct stat status {};
  stat(path_.c_str(), &status);
  return std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

Status RuntimeDirectory::write(const std::string& name, const std::string& text) const {
  std::string temporary = file("." + name + ".new");
  LICHEN_ASSIGN(Fd fd, open_at({}, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
  LICHEN_TRY(write_all(fd, text.data(), text.size()));
  LICHEN_TRY(fd.close());
  if (rename(temporary.c_str(), file(name).c_str()) != 0)
    return sys_error("rename", "\"" + file(name) + "\"");
  return {};
}

Status RuntimeDirectory::write_pid(const std::string& name, const ProcessIdentity& process) const {
  return write(name, format_pid_file(process));
}

void RuntimeDirectory::remove(const std::string& name) const { unlink(file(name).c_str()); }

std::optional<ProcessIdentity> read_live_pid(const std::string& file) {
  auto text = read_file(file);
  if (!text) return std::nullopt;
  auto process = parse_pid_file(text.value());
  if (!process || !open_process(*process)) return std::nullopt;
  return process;
}

std::vector<ProcessIdentity> live_monitors(const std::string& runtime_dir) {
  std::vector<ProcessIdentity> monitors;
  std::string pods = runtime_dir + "/pods";
  DIR* directory = opendir(pods.c_str());
  if (directory == nullptr) return monitors;
  while (dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    auto monitor = read_live_pid(pods + "/" + entry->d_name + "/monitor.pid");
    if (monitor) monitors.push_back(*monitor);
  }
  closedir(directory);
  return monitors;
}

}  // namespace lichen::launcher
