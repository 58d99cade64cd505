#include "core/nftables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>

namespace lichen {

namespace {

constexpr auto kPostrouting = "postrouting";
constexpr auto kPrerouting = "prerouting";
constexpr auto kForward = "forward";

NetlinkMessage nft_message(uint16_t type, uint16_t flags) {
  NetlinkMessage message(static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags);
  message.header(nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0});
  return message;
}

NetlinkMessage table_message(uint16_t type, uint16_t flags, const std::string& table) {
  auto message = nft_message(type, flags);
  message.put_string(NFTA_TABLE_NAME, table);
  return message;
}

// One step of a rule: its kind and what `body` puts into it. Steps pass values on in register 1.
void expression(NetlinkMessage& rule, const std::string& kind, const std::function<void()>& body) {
  rule.nest(NFTA_LIST_ELEM, [&] {
    rule.put_string(NFTA_EXPR_NAME, kind);
    rule.nest(NFTA_EXPR_DATA, body);
  });
}

void load_meta(NetlinkMessage& rule, uint32_t key) {
  expression(rule, "meta", [&] {
    rule.put_be32(NFTA_META_DREG, NFT_REG_1);
    rule.put_be32(NFTA_META_KEY, key);
  });
}

void data_value(NetlinkMessage& rule, uint16_t attribute, std::string_view value) {
  rule.nest(attribute, [&] { rule.put(NFTA_DATA_VALUE, value); });
}

void compare(NetlinkMessage& rule, uint32_t operation, std::string_view value) {
  expression(rule, "cmp", [&] {
    rule.put_be32(NFTA_CMP_SREG, NFT_REG_1);
    rule.put_be32(NFTA_CMP_OP, operation);
    data_value(rule, NFTA_CMP_DATA, value);
  });
}

// The source address of the packet, masked, into register 1.
void load_source_network(NetlinkMessage& rule, const IpAddress& network) {
  auto size = static_cast<uint32_t>(network.bytes.size());
  expression(rule, "payload", [&] {
    rule.put_be32(NFTA_PAYLOAD_DREG, NFT_REG_1);
    rule.put_be32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
    rule.put_be32(NFTA_PAYLOAD_OFFSET,
                  network.family == AF_INET ? 12 : 8);  // where the IP header has its source
    rule.put_be32(NFTA_PAYLOAD_LEN, size);
  });
  expression(rule, "bitwise", [&] {
    rule.put_be32(NFTA_BITWISE_SREG, NFT_REG_1);
    rule.put_be32(NFTA_BITWISE_DREG, NFT_REG_1);
    rule.put_be32(NFTA_BITWISE_LEN, size);
    data_value(rule, NFTA_BITWISE_MASK, network.mask());
    data_value(rule, NFTA_BITWISE_XOR, std::string(size, '\0'));
  });
}

NetlinkMessage base_chain(const std::string& table, const char* name, const char* type, uint32_t hook,
                          int priority) {
  auto message = nft_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  message.put_string(NFTA_CHAIN_TABLE, table)
      .put_string(NFTA_CHAIN_NAME, name)
      .put_string(NFTA_CHAIN_TYPE, type);
  message.nest(NFTA_CHAIN_HOOK, [&] {
    message.put_be32(NFTA_HOOK_HOOKNUM, hook);
    message.put_be32(NFTA_HOOK_PRIORITY, static_cast<uint32_t>(priority));
  });
  return message;
}

NetlinkMessage new_rule(const std::string& table, const char* chain) {
  auto rule = nft_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  rule.put_string(NFTA_RULE_TABLE, table).put_string(NFTA_RULE_CHAIN, chain);
  return rule;
}

// Names of links are compared as fields of IFNAMSIZ bytes.
std::string link_field(const std::string& name) {
  std::string field = name;
  field.resize(IFNAMSIZ, '\0');
  return field;
}

Status check_link_name(const char* operation, const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    return plain_error("EINVAL", operation, "\"" + name + "\"", "a link's name has 1 to 15 characters");
  return {};
}

// The messages that begin a table anew. Made before it is deleted, so that there is something to delete.
std::vector<NetlinkMessage> fresh_table(const std::string& table) {
  std::vector<NetlinkMessage> messages;
  messages.push_back(table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, table));
  messages.push_back(table_message(NFT_MSG_DELTABLE, 0, table));
  messages.push_back(table_message(NFT_MSG_NEWTABLE, NLM_F_CREATE, table));
  return messages;
}

NetlinkMessage masquerade_rule(const std::string& table, const IpAddress& source, const std::string& bridge) {
  char family = static_cast<char>(source.family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6);
  auto rule = new_rule(table, kPostrouting);
  rule.nest(NFTA_RULE_EXPRESSIONS, [&] {
    load_meta(rule, NFT_META_NFPROTO);
    compare(rule, NFT_CMP_EQ, {&family, 1});
    load_source_network(rule, source.network());
    compare(rule, NFT_CMP_EQ, source.network().bytes);
    load_meta(rule, NFT_META_OIFNAME);
    compare(rule, NFT_CMP_NEQ, link_field(bridge));
    expression(rule, "masq", [] {});
  });
  return rule;
}

// iifname BRIDGE oifname BRIDGE drop
NetlinkMessage isolation_rule(const std::string& table, const std::string& bridge) {
  auto rule = new_rule(table, kForward);
  rule.nest(NFTA_RULE_EXPRESSIONS, [&] {
    load_meta(rule, NFT_META_IIFNAME);
    compare(rule, NFT_CMP_EQ, link_field(bridge));
    load_meta(rule, NFT_META_OIFNAME);
    compare(rule, NFT_CMP_EQ, link_field(bridge));
    expression(rule, "immediate", [&] {
      rule.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
      rule.nest(NFTA_IMMEDIATE_DATA,
                [&] { rule.nest(NFTA_DATA_VERDICT, [&] { rule.put_be32(NFTA_VERDICT_CODE, NF_DROP); }); });
    });
  });
  return rule;
}

// socket transparent 1 meta mark set MARK
NetlinkMessage transparent_rule(const std::string& table, uint32_t mark) {
  auto rule = new_rule(table, kPrerouting);
  const char yes = 1;
  rule.nest(NFTA_RULE_EXPRESSIONS, [&] {
    expression(rule, "socket", [&] {
      rule.put_be32(NFTA_SOCKET_KEY, NFT_SOCKET_TRANSPARENT);
      rule.put_be32(NFTA_SOCKET_DREG, NFT_REG_1);
    });
    compare(rule, NFT_CMP_EQ, {&yes, 1});
    expression(rule, "immediate", [&] {
      rule.put_be32(NFTA_IMMEDIATE_DREG, NFT_REG_1);
      data_value(rule, NFTA_IMMEDIATE_DATA, {reinterpret_cast<const char*>(&mark), sizeof mark});
    });
    expression(rule, "meta", [&] {
      rule.put_be32(NFTA_META_KEY, NFT_META_MARK);
      rule.put_be32(NFTA_META_SREG, NFT_REG_1);
    });
  });
  return rule;
}

}  // namespace

Result<Netlink> open_nfnetlink() { return Netlink::open(NETLINK_NETFILTER); }

Status masquerade(Netlink& netlink, const std::string& table, const std::vector<IpAddress>& sources,
                  const std::string& bridge) {
  constexpr auto kOperation = "install masquerade rules";
  LICHEN_TRY(check_link_name(kOperation, bridge));
  std::vector<NetlinkMessage> messages = fresh_table(table);
  messages.push_back(base_chain(table, kPostrouting, "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC));
  for (const auto& source : sources) messages.push_back(masquerade_rule(table, source, bridge));
  return netlink.transaction(std::move(messages), kOperation, "(nf_tables table inet \"" + table + "\")");
}

Status isolate_ports(Netlink& netlink, const std::string& table, const std::string& bridge) {
  constexpr auto kOperation = "install isolation rule";
  LICHEN_TRY(check_link_name(kOperation, bridge));
  std::vector<NetlinkMessage> messages = fresh_table(table);
  messages.push_back(base_chain(table, kForward, "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER));
  messages.push_back(isolation_rule(table, bridge));
  return netlink.transaction(std::move(messages), kOperation, "(nf_tables table inet \"" + table + "\")");
}

Status mark_transparent(Netlink& netlink, const std::string& table, uint32_t mark) {
  constexpr auto kOperation = "install rule for transparent sockets";
  std::vector<NetlinkMessage> messages = fresh_table(table);
  messages.push_back(base_chain(table, kPrerouting, "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_MANGLE));
  messages.push_back(transparent_rule(table, mark));
  return netlink.transaction(std::move(messages), kOperation, "(nf_tables table inet \"" + table + "\")");
}

Status delete_table(Netlink& netlink, const std::string& table) {
  std::vector<NetlinkMessage> messages;
  messages.push_back(table_message(NFT_MSG_DELTABLE, 0, table));
  return netlink.transaction(std::move(messages), "delete nf_tables table", "inet \"" + table + "\"");
}

}  // namespace lichen
