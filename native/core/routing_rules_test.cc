#include "core/routing_rules.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "core/links.h"
#include "core/nftables.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

constexpr uint32_t kMark = 7;

std::string install_twice() {
  auto routes = open_rtnetlink();
  if (!routes) return routes.error().text();
  TRY_TEXT(set_link_up(routes.value(), "lo"));
  for (int family : {AF_INET, AF_INET6}) {
    TRY_TEXT(deliver_marked(routes.value(), static_cast<uint8_t>(family), kMark, 100));
    TRY_TEXT(deliver_marked(routes.value(), static_cast<uint8_t>(family), kMark, 100));
  }
  auto rules = open_nfnetlink();
  if (!rules) return rules.error().text();
  auto marked = mark_transparent(rules.value(), "lichen-ports", kMark);
  if (!marked && (marked.error().code == "ENOENT" || marked.error().code == "EOPNOTSUPP"))
    return "skip: " + marked.error().text();
  TRY_TEXT(marked);
  TRY_TEXT(mark_transparent(rules.value(), "lichen-ports", kMark));
  return "";
}

}  // namespace

TEST_CASE("rules for transparent sockets are there once, however often they are installed") {
  std::string text = in_namespaces(install_twice);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}
