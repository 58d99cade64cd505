// cgroups and figures for JavaScript: core/cgroup.h, core/small_files.h, core/disk_usage.h. Killing and
// removing wait for the kernel, so they do it off the main thread.
#include "addon/cgroup.h"

#include <algorithm>

#include "addon/background.h"
#include "core/cgroup.h"
#include "core/disk_usage.h"
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

// readFiles(paths): Promise<{ text: string, lengths: number[] }>: a line for each path, and the texts one
// behind the other, a character for each byte; a length of -1 for a file that cannot be read. A string for
// each of thousands of paths and texts would cost the main thread more than reading costs here.
Napi::Value read_files(const Napi::CallbackInfo& info) {
  using Texts = std::vector<std::optional<std::string>>;
  Arguments arguments(info, "readFiles");
  std::string joined = arguments.string(info[0], "paths");
  if (!arguments.ok()) return info.Env().Undefined();
  auto work = [joined = std::move(joined)]() -> Result<Texts> {
    std::vector<std::string> paths;
    for (size_t at = 0; at < joined.size();) {
      size_t end = std::min(joined.find('\n', at), joined.size());
      paths.push_back(joined.substr(at, end - at));
      at = end + 1;
    }
    return read_small_files(paths);
  };
  return in_background<Texts>(info.Env(), work, [](Napi::Env env, Texts texts) -> Napi::Value {
    std::string all;
    Napi::Array lengths = Napi::Array::New(env, texts.size());
    for (uint32_t i = 0; i < texts.size(); i++) {
      if (texts[i]) all += *texts[i];
      lengths[i] = Napi::Number::New(env, texts[i] ? static_cast<double>(texts[i]->size()) : -1);
    }
    napi_value text = nullptr;
    napi_create_string_latin1(env, all.data(), all.size(), &text);
    Napi::Object read = Napi::Object::New(env);
    read["text"] = text;
    read["lengths"] = lengths;
    return read;
  });
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
  exports.Set("readFiles", Napi::Function::New<read_files>(env, "readFiles"));
  exports.Set("diskUsages", Napi::Function::New<disk_usages>(env, "diskUsages"));
}

}  // namespace lichen::addon
