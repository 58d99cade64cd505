#include "launcher/hints.h"

#include <doctest/doctest.h>

using namespace lichen;
using namespace lichen::launcher;

namespace {

Explanation explain(int number, const HostSwitches& switches) {
  return explain_userns_failure(sys_error("unshare namespace", "user", number), switches,
                                "/opt/lichen-launcher");
}

}  // namespace

TEST_CASE("a refused user namespace is explained by the switch that forbids it") {
  CHECK(explain(ENOSPC, {0, -1, -1}).hint == "sudo sysctl -w user.max_user_namespaces=28633");
  CHECK(explain(EPERM, {0, -1, -1}).hint == "sudo sysctl -w user.max_user_namespaces=28633");
  CHECK(explain(EPERM, {100, 0, -1}).hint == "sudo sysctl -w kernel.unprivileged_userns_clone=1");
}

TEST_CASE("Ubuntu's restriction is mended by a profile for this very executable") {
  for (int number : {EPERM, EACCES}) {
    Explanation why = explain(number, {100, -1, 1});
    CHECK(why.cause.find("AppArmor") != std::string::npos);
    CHECK(why.hint.find("profile lichen-launcher /opt/lichen-launcher flags=(unconfined)") !=
          std::string::npos);
  }
}

TEST_CASE("unknown causes are not explained away") {
  CHECK(explain(EPERM, {100, 1, 0}).cause.empty());
  CHECK(explain(EPERM, {-1, -1, -1}).hint.empty());
  CHECK(explain(ENOMEM, {0, 0, 1}).cause.empty());
}

TEST_CASE("the text for stderr") {
  CHECK(describe_failure(plain_error("LOCKED", "lock", "\"/r\"", "somebody has it")) ==
        "lichen-launcher: lock \"/r\": somebody has it (LOCKED)\n");
}
