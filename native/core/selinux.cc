#include "core/selinux.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "core/beneath.h"
#include "core/text.h"

namespace lichen {

namespace {

constexpr const char* kAtNextExec = "/proc/self/attr/exec";
constexpr const char* kAtNextFile = "/proc/self/attr/fscreate";
constexpr const char* kAttribute = "security.selinux";
constexpr std::string_view kNulOrNewline("\0\n", 2);

std::string policy_file(const char* name) { return std::string("/sys/fs/selinux/") + name; }

Error no_such_context(const std::string& context) {
  return plain_error("NO_SUCH_CONTEXT", "apply SELinux context", "\"" + context + "\"",
                     "the loaded policy has no such context");
}

Error refused(const std::string& context, int number) {
  if (number == EINVAL) return no_such_context(context);
  return sys_error("apply SELinux context", "\"" + context + "\"", number);
}

// What was asked for cannot be taken back: a child asks, which shares the memory and ends at once.
Status try_attribute(const char* attribute, const std::string& context) {
  volatile int number = 0;
  pid_t child = vfork();
  if (child < 0) return sys_error("vfork");
  if (child == 0) {
    Fd file(open(attribute, O_WRONLY | O_CLOEXEC));
    if (!file || write(file.get(), context.data(), context.size()) < 0) number = errno;
    _exit(0);
  }
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  if (number != 0) return refused(context, number);
  return {};
}

Result<unsigned long> policy_number(const std::string& file) {
  LICHEN_ASSIGN(std::string text, read_file(policy_file("class/process/") + file));
  return strtoul(text.c_str(), nullptr, 10);
}

// Whether a process may change from one context to the other: selinuxfs answers a line "SOURCE TARGET CLASS"
// with "ALLOWED DECIDED AUDITALLOW AUDITDENY SEQUENCE FLAGS".
Result<bool> may_change(const std::string& from, const std::string& to) {
  LICHEN_ASSIGN(unsigned long process, policy_number("index"));
  LICHEN_ASSIGN(unsigned long transition, policy_number("perms/transition"));
  LICHEN_ASSIGN(std::string enforcing, read_file(policy_file("enforce")));
  LICHEN_ASSIGN(Fd access, open_at({}, policy_file("access"), O_RDWR));
  std::string question = from + " " + to + " " + std::to_string(process);
  char answer[256] = {};
  if (write(access.get(), question.data(), question.size()) < 0 ||
      read(access.get(), answer, sizeof answer - 1) < 0)
    return sys_error("ask SELinux's policy", "\"" + question + "\"");
  std::vector<std::string_view> fields = split(answer, ' ');
  unsigned long allowed = strtoul(answer, nullptr, 16);
  bool permissive = enforcing.starts_with('0') || (fields.size() > 5 && fields[5].starts_with('1'));
  return permissive || transition == 0 || ((allowed >> (transition - 1)) & 1) != 0;
}

bool has_context(const Fd& file, const std::string& context) {
  char found[PATH_MAX];
  ssize_t size = getxattr(self_path(file).c_str(), kAttribute, found, sizeof found);
  while (size > 0 && found[size - 1] == '\0') size--;
  return size >= 0 && std::string_view(found, static_cast<size_t>(size)) == context;
}

Status set_label(const std::string& path, const std::string& context, const std::string& shown) {
  if (lsetxattr(path.c_str(), kAttribute, context.c_str(), context.size() + 1, 0) == 0 || errno == EOPNOTSUPP)
    return {};
  Error error = sys_error("label", quoted(shown) + " as " + context);
  if (error.number == EPERM) error.cause += ": only the owner of a file may, and owners that lichen has";
  if (error.number == EACCES) error.cause += ": the SELinux policy does not allow it";
  return error;
}

Status label_entries(const Fd& directory, const std::string& context, const std::string& shown) {
  LICHEN_ASSIGN(std::vector<std::string> names, list_names(directory));
  for (const std::string& name : names) {
    std::string path = shown + "/" + name;
    LICHEN_ASSIGN(struct stat found, stat_at(directory, name));
    if (S_ISDIR(found.st_mode)) {
      LICHEN_ASSIGN(Fd below, open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
      LICHEN_TRY(label_entries(below, context, path));
    }
    LICHEN_TRY(set_label(self_path(directory) + "/" + name, context, path));
  }
  return {};
}

}  // namespace

std::string own_selinux_context() {
  auto text = read_file("/proc/self/attr/current");
  if (!text) return "";
  std::string context = text.value().substr(0, text.value().find_last_not_of(kNulOrNewline) + 1);
  // AppArmor speaks through the same file: a profile's name and mode.
  if (split(context, ':').size() < 3) return "";
  auto done = try_attribute(kAtNextExec, context);
  return !done && done.error().code == "NO_SUCH_CONTEXT" ? "" : context;
}

Status request_selinux(const std::string& context) {
  auto done = write_file(kAtNextExec, context);
  if (!done) return refused(context, done.error().number);
  return {};
}

Status check_selinux_context(const std::string& context) {
  LICHEN_TRY(try_attribute(kAtNextExec, context));
  auto allowed = may_change(own_selinux_context(), context);
  // Who may not ask finds out at the execve.
  if (!allowed || allowed.value()) return {};
  return plain_error("FORBIDDEN_CONTEXT", "apply SELinux context", "\"" + context + "\"",
                     "the policy does not let a process change to it from " + own_selinux_context());
}

Status check_selinux_file_context(const std::string& context) { return try_attribute(kAtNextFile, context); }

Status label_file(const Fd& file, const std::string& context) {
  std::string path = self_path(file);
  if (setxattr(path.c_str(), kAttribute, context.c_str(), context.size() + 1, 0) == 0 || errno == EOPNOTSUPP)
    return {};
  return sys_error("label", path + " as " + context);
}

Result<bool> label_tree(const std::string& path, const std::string& context) {
  LICHEN_ASSIGN(Fd top, open_at({}, path, O_PATH | O_NOFOLLOW));
  if (has_context(top, context)) return false;
  auto directory = open_at({}, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (directory)
    LICHEN_TRY(label_entries(directory.value(), context, path));
  else if (directory.error().number != ENOTDIR)
    return std::move(directory).error();
  LICHEN_TRY(set_label(path, context, path));
  return true;
}

}  // namespace lichen
