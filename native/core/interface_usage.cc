#include "core/interface_usage.h"

#include "core/text.h"
#include "core/usage_text.h"

namespace lichen {

std::vector<InterfaceTraffic> parse_net_dev(std::string_view text) {
  std::vector<InterfaceTraffic> interfaces;
  std::vector<std::string_view> lines = split(text, '\n');
  for (size_t i = 2; i < lines.size(); i++) {
    // A name may hold colons, as aliases do; figures do not.
    size_t colon = lines[i].rfind(':');
    if (colon == std::string_view::npos) continue;
    std::string_view name = trim(lines[i].substr(0, colon));
    std::vector<std::string_view> words = split_words(lines[i].substr(colon + 1));
    if (name == "lo" || words.size() < 16) continue;
    InterfaceTraffic& traffic = interfaces.emplace_back();
    traffic.name = name;
    for (size_t figure = 0; figure < 8; figure++)
      traffic.figures[figure] = number_at(words[figure < 4 ? figure : figure + 4], 0);
  }
  return interfaces;
}

}  // namespace lichen
