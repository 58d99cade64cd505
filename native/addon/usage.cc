// core/usage_reader.h for JavaScript: rows of numbers in one array, since objects for hundreds of pods would
// cost the main thread more than reading costs here.
#include "addon/usage.h"

#include <memory>

#include "addon/background.h"
#include "addon/environment.h"
#include "core/usage_reader.h"

namespace lichen::addon {

namespace {

constexpr int64_t kMaxPid = 1 << 30;
constexpr int64_t kMaxPaths = 1 << 20;
// A subject's numbers: pid, network, how many cgroups, how many leaves.
constexpr size_t kShape = 4;

using Usages = std::vector<SubjectUsage>;

// `paths` has each subject's cgroups and then its leaves, `shapes` four numbers a subject.
std::vector<UsageSubject> subjects_of(Arguments& arguments) {
  std::vector<std::string> paths = arguments.strings(arguments[0], "paths");
  Napi::Array shapes = arguments.array(arguments[1], "shapes");
  std::vector<UsageSubject> subjects;
  size_t next = 0;
  auto number = [&](uint32_t at, const char* name, int64_t most) {
    return arguments.number(shapes.Get(at), name, 0, most);
  };
  auto take = [&](size_t count) {
    std::vector<std::string> taken;
    for (; count > 0 && next < paths.size(); count--) taken.push_back(std::move(paths[next++]));
    return taken;
  };
  for (uint32_t at = 0; arguments.ok() && at + kShape <= shapes.Length(); at += kShape) {
    UsageSubject& subject = subjects.emplace_back();
    subject.pid = static_cast<pid_t>(number(at, "pid", kMaxPid));
    subject.network = static_cast<pid_t>(number(at + 1, "network", kMaxPid));
    subject.cgroups = take(static_cast<size_t>(number(at + 2, "cgroups", kMaxPaths)));
    subject.leaves = take(static_cast<size_t>(number(at + 3, "leaves", kMaxPaths)));
  }
  return subjects;
}

UsageControllers controllers_of(Arguments& arguments) {
  UsageControllers controllers;
  for (const std::string& name : arguments.strings(arguments[2], "controllers")) {
    if (name == "memory") controllers.memory = true;
    if (name == "io") controllers.io = true;
    if (name == "pids") controllers.pids = true;
  }
  return controllers;
}

Napi::Value to_object(Napi::Env env, const Usages& usages) {
  size_t count = 0;
  for (const SubjectUsage& usage : usages)
    count += kFigureCount + 2 + usage.interfaces.size() * 8 + usage.devices.size() * 4;
  Napi::Float64Array figures = Napi::Float64Array::New(env, count);
  double* to = figures.Data();
  std::string names;
  auto named = [&](const auto& all) {
    for (const auto& one : all) {
      to = std::copy(one.figures.begin(), one.figures.end(), to);
      names += one.name + ' ';
    }
  };
  for (const SubjectUsage& usage : usages) {
    to = std::copy_n(usage.figures.data(), kFigureCount, to);
    *to++ = static_cast<double>(usage.interfaces.size());
    *to++ = static_cast<double>(usage.devices.size());
    named(usage.interfaces);
    named(usage.devices);
  }
  Napi::Object read = Napi::Object::New(env);
  read["figures"] = figures;
  read["names"] = Napi::String::New(env, names);
  return read;
}

// readUsage(paths, shapes, controllers): Promise<{ figures: Float64Array, names: string }>. For each subject
// the figures of core/usage_figures.h, how many interfaces and devices it has, eight figures an interface,
// four a device. `names` are those of interfaces and devices in this order, each with a blank behind it,
// which none of them holds.
Napi::Value read_usage(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "readUsage");
  std::vector<UsageSubject> subjects = subjects_of(arguments);
  UsageControllers controllers = controllers_of(arguments);
  if (!arguments.ok()) return info.Env().Undefined();
  std::shared_ptr<UsageReader> reader = environment(info.Env()).usage_reader;
  auto work = [reader, subjects = std::move(subjects), controllers]() -> Result<Usages> {
    return reader->read(subjects, controllers);
  };
  return in_background<Usages>(info.Env(), work, to_object);
}

}  // namespace

void add_usage(Napi::Env env, Napi::Object exports) {
  exports.Set("readUsage", Napi::Function::New<read_usage>(env, "readUsage"));
}

}  // namespace lichen::addon
