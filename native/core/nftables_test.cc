#include "core/nftables.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "in_namespaces.h"

using namespace lichen;

namespace {

// The names of the steps of every rule in the table, in the kernel's order.
Result<std::string> rules(Netlink& netlink, const char* table) {
  NetlinkMessage message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, NLM_F_DUMP);
  message.header(nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0}).put_string(NFTA_RULE_TABLE, table);
  std::string text;
  LICHEN_TRY(
      netlink.query(std::move(message), "list rules", table, [&](const nlmsghdr*, std::string_view payload) {
        for_each_attribute(payload.substr(sizeof(nfgenmsg)), [&](uint16_t type, std::string_view steps) {
          if (type != NFTA_RULE_EXPRESSIONS) return;
          for_each_attribute(steps, [&](uint16_t, std::string_view step) {
            for_each_attribute(step, [&](uint16_t inner, std::string_view name) {
              if (inner == NFTA_EXPR_NAME) text += attribute_string(name) + " ";
            });
          });
          text += "; ";
        });
      }));
  return text;
}

std::string masquerade_twice() {
  auto netlink = open_nfnetlink();
  if (!netlink) return netlink.error().text();
  std::vector<IpAddress> sources{parse_ip("10.210.0.1/16").value(), parse_ip("fd00:1::/64").value()};
  auto first = masquerade(netlink.value(), "lichen", sources, "lichen0");
  // A kernel built without nf_tables, or without its nat part.
  if (!first && (first.error().code == "EOPNOTSUPP" || first.error().code == "ENOENT"))
    return "skip: " + first.error().text();
  TRY_TEXT(first);
  TRY_TEXT(masquerade(netlink.value(), "lichen", sources, "lichen0"));
  auto text = rules(netlink.value(), "lichen");
  if (!text) return text.error().text();
  std::string rule = "meta cmp payload bitwise cmp meta cmp masq ; ";
  if (text.value() != rule + rule) return "rules: " + text.value();
  sources.pop_back();
  TRY_TEXT(masquerade(netlink.value(), "lichen", sources, "lichen0"));
  if (rules(netlink.value(), "lichen").value() != rule) return "the old rules were not replaced";
  TRY_TEXT(delete_table(netlink.value(), "lichen"));
  auto again = delete_table(netlink.value(), "lichen");
  if (again || again.error().code != "ENOENT") return "deleting a missing table was not refused";
  return "";
}

}  // namespace

TEST_CASE("masquerade rules are there once, however often they are installed") {
  std::string text = in_namespaces(masquerade_twice);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("the isolation rule is there once") {
  std::string text = in_namespaces([]() -> std::string {
    auto netlink = open_nfnetlink();
    if (!netlink) return netlink.error().text();
    auto first = isolate_ports(netlink.value(), "lichen-isolation", "lichen0");
    if (!first && (first.error().code == "EOPNOTSUPP" || first.error().code == "ENOENT"))
      return "skip: " + first.error().text();
    TRY_TEXT(first);
    TRY_TEXT(isolate_ports(netlink.value(), "lichen-isolation", "lichen0"));
    auto text = rules(netlink.value(), "lichen-isolation");
    if (!text) return text.error().text();
    if (text.value() != "meta cmp meta cmp immediate ; ") return "rules: " + text.value();
    return isolate_ports(netlink.value(), "x", "").ok() ? "a link without a name was accepted" : "";
  });
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("a failed transaction changes nothing and names the table") {
  std::string text = in_namespaces([] {
    auto netlink = open_nfnetlink();
    if (!netlink) return netlink.error().text();
    std::string name(300, 'x');  // NFT_NAME_MAXLEN is 256
    auto status = masquerade(netlink.value(), name, {}, "lichen0");
    if (status) return std::string("accepted");
    return status.error().object == "(nf_tables table inet \"" + name + "\")" ? std::string()
                                                                              : status.error().text();
  });
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}

TEST_CASE("a bridge name that no link can have is refused") {
  auto netlink = open_nfnetlink();
  REQUIRE(netlink.ok());
  CHECK(masquerade(netlink.value(), "lichen", {}, "").error().code == "EINVAL");
  CHECK(masquerade(netlink.value(), "lichen", {}, "sixteen-letters-").error().code == "EINVAL");
}
