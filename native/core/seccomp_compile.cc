#include <linux/filter.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <set>

#include "core/seccomp_filter.h"

namespace lichen {

namespace {

struct ReleaseContext {
  void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, ReleaseContext>;

Error invalid(const std::string& object, const std::string& cause) {
  return plain_error("INVALID_SECCOMP", "compile seccomp profile", object, cause);
}

Error library_error(const std::string& object, int result) {
  return sys_error("compile seccomp profile", object, -result);
}

Result<uint32_t> action_of(const std::string& name, std::optional<unsigned> errno_value) {
  uint16_t data = static_cast<uint16_t>(errno_value.value_or(EPERM));
  if (name == "SCMP_ACT_ALLOW") return uint32_t{SCMP_ACT_ALLOW};
  if (name == "SCMP_ACT_ERRNO") return uint32_t{SCMP_ACT_ERRNO(data)};
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return uint32_t{SCMP_ACT_KILL_THREAD};
  if (name == "SCMP_ACT_KILL_PROCESS") return uint32_t{SCMP_ACT_KILL_PROCESS};
  if (name == "SCMP_ACT_TRAP") return uint32_t{SCMP_ACT_TRAP};
  if (name == "SCMP_ACT_TRACE") return uint32_t{SCMP_ACT_TRACE(data)};
  if (name == "SCMP_ACT_LOG") return uint32_t{SCMP_ACT_LOG};
  return invalid("\"" + name + "\"",
                 name == "SCMP_ACT_NOTIFY" ? "there is no seccomp agent" : "unknown action");
}

Result<scmp_compare> operator_of(const std::string& name) {
  if (name == "SCMP_CMP_NE") return SCMP_CMP_NE;
  if (name == "SCMP_CMP_LT") return SCMP_CMP_LT;
  if (name == "SCMP_CMP_LE") return SCMP_CMP_LE;
  if (name == "SCMP_CMP_EQ") return SCMP_CMP_EQ;
  if (name == "SCMP_CMP_GE") return SCMP_CMP_GE;
  if (name == "SCMP_CMP_GT") return SCMP_CMP_GT;
  if (name == "SCMP_CMP_MASKED_EQ") return SCMP_CMP_MASKED_EQ;
  return invalid("\"" + name + "\"", "unknown operator");
}

Result<unsigned> flags_of(const std::vector<std::string>& names) {
  unsigned flags = 0;
  for (const std::string& name : names) {
    if (name == "SECCOMP_FILTER_FLAG_LOG")
      flags |= 2;  // SECCOMP_FILTER_FLAG_LOG
    else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
      flags |= 4;                                  // SECCOMP_FILTER_FLAG_SPEC_ALLOW
    else if (name != "SECCOMP_FILTER_FLAG_TSYNC")  // of no effect: the process has one thread
      return invalid("\"" + name + "\"", "unknown flag");
  }
  return flags;
}

// "SCMP_ARCH_X86_64" is "x86_64" to libseccomp.
Status add_architectures(const Context& context, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    std::string plain = name.starts_with("SCMP_ARCH_") ? name.substr(10) : name;
    std::transform(plain.begin(), plain.end(), plain.begin(), [](unsigned char c) { return tolower(c); });
    uint32_t token = seccomp_arch_resolve_name(plain.c_str());
    if (token == 0) return invalid("\"" + name + "\"", "unknown architecture");
    int done = seccomp_arch_add(context.get(), token);
    if (done != 0 && done != -EEXIST) return library_error(name, done);
  }
  return {};
}

Result<std::vector<scmp_arg_cmp>> comparisons_of(const SeccompRule& rule) {
  std::vector<scmp_arg_cmp> list;
  for (const SeccompArgument& argument : rule.arguments) {
    LICHEN_ASSIGN(scmp_compare op, operator_of(argument.op));
    list.push_back({argument.index, op, argument.value, argument.value_two});
  }
  return list;
}

// libseccomp compares an argument once a rule; a profile that names it more often means any of the
// comparisons.
bool repeats_an_argument(const std::vector<scmp_arg_cmp>& comparisons) {
  std::set<unsigned> seen;
  return std::any_of(comparisons.begin(), comparisons.end(),
                     [&](const scmp_arg_cmp& one) { return !seen.insert(one.arg).second; });
}

Status add_rule(const Context& context, uint32_t action, int number, const std::string& name,
                const std::vector<scmp_arg_cmp>& comparisons) {
  bool any_of = repeats_an_argument(comparisons);
  size_t step = any_of ? 1 : std::max<size_t>(comparisons.size(), 1);
  for (size_t at = 0; at == 0 || at < comparisons.size(); at += step) {
    unsigned count = static_cast<unsigned>(std::min(step, comparisons.size() - at));
    int done = seccomp_rule_add_array(context.get(), action, number, count, comparisons.data() + at);
    // EDOM: an architecture where this call cannot be filtered by argument; the default action stays.
    if (done != 0 && done != -EEXIST && done != -EDOM) return library_error(name, done);
  }
  return {};
}

// Calls that came after libseccomp 2.5. From 424 on numbers are the same on every architecture
// (arch/*/entry/syscalls/*.tbl).
struct NewCall {
  const char* name;
  int number;
};
constexpr NewCall kNewCalls[] = {
    {"cachestat", 451},         {"fchmodat2", 452},         {"map_shadow_stack", 453}, {"futex_wake", 454},
    {"futex_wait", 455},        {"futex_requeue", 456},     {"statmount", 457},        {"listmount", 458},
    {"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
    {"setxattrat", 463},        {"getxattrat", 464},        {"listxattrat", 465},      {"removexattrat", 466},
    {"open_tree_attr", 467},    {"file_getattr", 468},      {"file_setattr", 469}};

int new_call_number(const std::string& name) {
  for (const NewCall& call : kNewCalls)
    if (name == call.name) return call.number;
  return -1;
}

int last_known_call() {
  int number = 1023;
  for (; number > 0; number--) {
    char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    free(name);
    if (name != nullptr) break;
  }
  return number;
}

struct Verdict {
  int number;
  uint32_t action;
};

// Instructions to go before libseccomp's program: the given verdicts, then `above` for every number after
// `last`, all for the native architecture only.
std::string newer_calls_prologue(const std::vector<Verdict>& verdicts, int last,
                                 std::optional<uint32_t> above) {
  if (verdicts.empty() && !above) return "";
  std::vector<sock_filter> out;
  auto add = [&](uint16_t code, uint32_t k, uint8_t yes = 0, uint8_t no = 0) {
    out.push_back({code, yes, no, k});
  };
  size_t body = 1 + verdicts.size() * 2 + (above ? 3 : 0);
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch));
  add(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 1, 0);
  add(BPF_JMP | BPF_JA, static_cast<uint32_t>(body));
  add(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (const Verdict& verdict : verdicts) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(verdict.number), 0, 1);
    add(BPF_RET | BPF_K, verdict.action);
  }
  if (above) {
    // Numbers from 0x40000000 on are x32's, which has an architecture of its own here.
    add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 2, 0);
    add(BPF_JMP | BPF_JGT | BPF_K, static_cast<uint32_t>(last), 0, 1);
    add(BPF_RET | BPF_K, *above);
  }
  return {reinterpret_cast<const char*>(out.data()), out.size() * sizeof(sock_filter)};
}

Result<std::string> export_program(const Context& context) {
  Fd memfd(memfd_create("seccomp", MFD_CLOEXEC));
  if (!memfd) return sys_error("memfd_create", "seccomp");
  if (int done = seccomp_export_bpf(context.get(), memfd.get()); done != 0)
    return library_error("export", done);
  lseek(memfd.get(), 0, SEEK_SET);
  return read_all(memfd);
}

}  // namespace

Result<SeccompFilter> compile_seccomp(const SeccompProfile& profile) {
  SeccompFilter filter;
  LICHEN_ASSIGN(filter.flags, flags_of(profile.flags));
  LICHEN_ASSIGN(uint32_t standard, action_of(profile.default_action, profile.default_errno));
  bool permissive = standard == SCMP_ACT_ALLOW || standard == SCMP_ACT_LOG;
  Context context(seccomp_init(standard));
  if (!context) return invalid("\"" + profile.default_action + "\"", "libseccomp does not take it");
  LICHEN_TRY(add_architectures(context, profile.architectures));
  std::vector<Verdict> newer;
  for (const SeccompRule& rule : profile.rules) {
    LICHEN_ASSIGN(uint32_t action, action_of(rule.action, rule.errno_value));
    LICHEN_ASSIGN(std::vector<scmp_arg_cmp> comparisons, comparisons_of(rule));
    if (action == standard) continue;
    for (const std::string& name : rule.names) {
      int number = seccomp_syscall_resolve_name(name.c_str());
      if (number != __NR_SCMP_ERROR) {
        LICHEN_TRY(add_rule(context, action, number, name, comparisons));
        continue;
      }
      int late = new_call_number(name);
      if (late >= 0 && comparisons.empty())
        newer.push_back({late, action});
      else if (permissive)
        return invalid("\"" + name + "\"", "unknown system call, and everything is allowed by default");
    }
  }
  LICHEN_ASSIGN(std::string program, export_program(context));
  std::optional<uint32_t> above;
  if (!permissive) above = SCMP_ACT_ERRNO(ENOSYS);
  filter.program = newer_calls_prologue(newer, last_known_call(), above) + program;
  if (filter.program.size() / sizeof(sock_filter) > BPF_MAXINSNS)
    return invalid("", "longer than the kernel's " + std::to_string(BPF_MAXINSNS) + " instructions");
  return filter;
}

}  // namespace lichen
