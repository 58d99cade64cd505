#include "launcher/check.h"

#include "core/json.h"

namespace lichen::launcher {

std::string check(const CheckOptions& options) {
  std::vector<std::string> objects;
  for (const auto& group : {check_host(), check_namespaces(options.data_dir), check_cgroup()}) {
    for (const Trial& trial : group) {
      objects.push_back(JsonObject()
                            .text("id", trial.id)
                            .flag("ok", trial.ok)
                            .text("detail", trial.detail)
                            .text("hint", trial.ok ? "" : trial.hint)
                            .str());
    }
  }
  return json_list(objects) + "\n";
}

}  // namespace lichen::launcher
