// cgroups and what trees take for JavaScript: core/cgroup.h, core/disk_usage.h. Killing and
// removing wait for the kernel, so they do it off the main thread.
#include "addon/cgroup.h"

#include "addon/background.h"
#include "core/cgroup.h"
#include "core/disk_usage.h"

namespace lichen::addon {

namespace {

constexpr int64_t kMaxTimeout = 600'000;

// createCgroup(path)
void create(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "createCgroup");
  std::string path = arguments.string(info[0], "path");
  if (!arguments.ok()) return;
  if (auto created = create_cgroup(path); !created) throw_error(info.Env(), created.error());
}

// cgroupPopulated(path): boolean
Napi::Value populated(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "cgroupPopulated");
  std::string path = arguments.string(info[0], "path");
  if (!arguments.ok()) return info.Env().Undefined();
  auto answer = cgroup_populated(path);
  if (!answer) return throw_error(info.Env(), answer.error());
  return Napi::Boolean::New(info.Env(), answer.value());
}

// killCgroup(path, timeoutMs): Promise<void>
Napi::Value kill(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "killCgroup");
  std::string path = arguments.string(info[0], "path");
  std::chrono::milliseconds timeout(arguments.number(info[1], "timeoutMs", 0, kMaxTimeout));
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [path, timeout] { return kill_cgroup(path, timeout); });
}

// removeCgroup(path, timeoutMs): Promise<void>
Napi::Value remove(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "removeCgroup");
  std::string path = arguments.string(info[0], "path");
  std::chrono::milliseconds timeout(arguments.number(info[1], "timeoutMs", 0, kMaxTimeout));
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [path, timeout] { return remove_cgroup(path, timeout); });
}

// diskUsages(directories): Promise<number[]>, three a directory: bytes, inodes, milliseconds it took
Napi::Value disk_usages(const Napi::CallbackInfo& info) {
  using Usages = std::vector<DiskUsage>;
  Arguments arguments(info, "diskUsages");
  std::vector<std::string> directories = arguments.strings(info[0], "directories");
  if (!arguments.ok()) return info.Env().Undefined();
  auto work = [directories = std::move(directories)]() -> Result<Usages> {
    Usages usages;
    for (const std::string& directory : directories) usages.push_back(disk_usage(directory));
    return usages;
  };
  return in_background<Usages>(info.Env(), work, [](Napi::Env env, Usages usages) {
    Napi::Array list = Napi::Array::New(env, usages.size() * 3);
    uint32_t at = 0;
    for (const DiskUsage& usage : usages) {
      std::chrono::duration<double, std::milli> took = usage.took;
      list[at++] = Napi::Number::New(env, static_cast<double>(usage.bytes));
      list[at++] = Napi::Number::New(env, static_cast<double>(usage.inodes));
      list[at++] = Napi::Number::New(env, took.count());
    }
    return list;
  });
}

}  // namespace

void add_cgroup(Napi::Env env, Napi::Object exports) {
  exports.Set("createCgroup", Napi::Function::New<create>(env, "createCgroup"));
  exports.Set("cgroupPopulated", Napi::Function::New<populated>(env, "cgroupPopulated"));
  exports.Set("killCgroup", Napi::Function::New<kill>(env, "killCgroup"));
  exports.Set("removeCgroup", Napi::Function::New<remove>(env, "removeCgroup"));
  exports.Set("diskUsages", Napi::Function::New<disk_usages>(env, "diskUsages"));
}

}  // namespace lichen::addon
