// cgroups for JavaScript: core/cgroup.h, core/small_files.h. Killing and removing wait for the kernel, so
// they do it off the main thread.
#include "addon/cgroup.h"

#include "addon/background.h"
#include "core/cgroup.h"
#include "core/small_files.h"

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

// readFiles(paths): Promise<(string | undefined)[]>
Napi::Value read_files(const Napi::CallbackInfo& info) {
  using Texts = std::vector<std::optional<std::string>>;
  Arguments arguments(info, "readFiles");
  std::vector<std::string> paths = arguments.strings(info[0], "paths");
  if (!arguments.ok()) return info.Env().Undefined();
  auto work = [paths = std::move(paths)]() -> Result<Texts> { return read_small_files(paths); };
  return in_background<Texts>(info.Env(), work, [](Napi::Env env, Texts texts) {
    Napi::Array list = Napi::Array::New(env, texts.size());
    for (uint32_t i = 0; i < texts.size(); i++)
      list[i] = texts[i] ? Napi::String::New(env, *texts[i]).As<Napi::Value>() : env.Undefined();
    return list;
  });
}

}  // namespace

void add_cgroup(Napi::Env env, Napi::Object exports) {
  exports.Set("createCgroup", Napi::Function::New<create>(env, "createCgroup"));
  exports.Set("cgroupPopulated", Napi::Function::New<populated>(env, "cgroupPopulated"));
  exports.Set("killCgroup", Napi::Function::New<kill>(env, "killCgroup"));
  exports.Set("removeCgroup", Napi::Function::New<remove>(env, "removeCgroup"));
  exports.Set("readFiles", Napi::Function::New<read_files>(env, "readFiles"));
}

}  // namespace lichen::addon
