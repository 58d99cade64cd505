// The node's network for JavaScript: core/links.h and core/nftables.h, in the network namespace of the
// process. Netlink may wait for the kernel's locks, so all of it happens off the main thread.
#include "addon/network.h"

#include <sys/socket.h>

#include <cerrno>

#include "addon/background.h"
#include "addon/fd_object.h"
#include "core/links.h"
#include "core/listen.h"
#include "core/nftables.h"
#include "core/offloads.h"
#include "core/routing_rules.h"

namespace lichen::addon {

namespace {

using Addresses = std::vector<IpAddress>;

struct Interfaces {
  std::vector<Link> links;
  std::vector<LinkAddress> addresses;
};

Result<Addresses> parse_addresses(const std::vector<std::string>& texts) {
  Addresses addresses;
  for (const auto& text : texts) {
    LICHEN_ASSIGN(IpAddress address, parse_ip(text));
    addresses.push_back(std::move(address));
  }
  return addresses;
}

Status accept_existing(Status status) {
  return !status && status.error().number == EEXIST ? Status() : std::move(status);
}

// Makes the bridge, or brings one that exists to what is asked for; addresses that it has besides stay.
Status ensure_bridge(const std::string& name, const std::vector<std::string>& addresses, uint32_t mtu) {
  LICHEN_ASSIGN(Addresses parsed, parse_addresses(addresses));
  LICHEN_ASSIGN(Netlink netlink, open_rtnetlink());
  Status created = create_bridge(netlink, name, mtu);
  if (!created && created.error().number == EEXIST) {
    LICHEN_TRY(set_link_mtu(netlink, name, mtu));
    LICHEN_TRY(set_link_up(netlink, name));
  } else {
    LICHEN_TRY(std::move(created));
  }
  for (const auto& address : parsed) LICHEN_TRY(accept_existing(add_address(netlink, name, address)));
  (void)allow_large_batches(netlink, name);  // a kernel without them is slower, no more
  return {};
}

// ensureBridge({name, addresses, mtu}): Promise<void>
Napi::Value ensure_bridge_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "ensureBridge");
  std::string name = arguments.string(arguments.member(info[0], "name"), "name");
  auto addresses = arguments.strings(arguments.member(info[0], "addresses"), "addresses");
  auto mtu = static_cast<uint32_t>(arguments.number(arguments.member(info[0], "mtu"), "mtu", 68, 65535));
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=] { return ensure_bridge(name, addresses, mtu); });
}

// masquerade({table, sources, exceptBridge}): Promise<void>
Napi::Value masquerade_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "masquerade");
  std::string table = arguments.string(arguments.member(info[0], "table"), "table");
  auto sources = arguments.strings(arguments.member(info[0], "sources"), "sources");
  std::string bridge = arguments.string(arguments.member(info[0], "exceptBridge"), "exceptBridge");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=]() -> Status {
    LICHEN_ASSIGN(Addresses parsed, parse_addresses(sources));
    LICHEN_ASSIGN(Netlink netlink, open_nfnetlink());
    return masquerade(netlink, table, parsed, bridge);
  });
}

// Both families; a kernel without IPv6 has no such clients.
Status deliver_to_transparent(uint32_t mark) {
  constexpr uint32_t kRoutes = 0x11c4e9;
  LICHEN_ASSIGN(Netlink routes, open_rtnetlink());
  LICHEN_TRY(deliver_marked(routes, AF_INET, mark, kRoutes));
  Status v6 = deliver_marked(routes, AF_INET6, mark, kRoutes);
  if (!v6 && v6.error().number != EAFNOSUPPORT && v6.error().number != EOPNOTSUPP) return v6;
  return {};
}

// The rule of nf_tables first: it is what a kernel may not have, and then nothing else is to be made.
Status keep_clients(const std::string& table) {
  constexpr uint32_t kMark = 0x11c4e9;
  LICHEN_ASSIGN(Netlink rules, open_nfnetlink());
  LICHEN_TRY(mark_transparent(rules, table, kMark));
  Status delivered = deliver_to_transparent(kMark);
  if (!delivered) (void)delete_table(rules, table);
  return delivered;
}

// isolatePorts({table, bridge}): Promise<void>
Napi::Value isolate_ports_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "isolatePorts");
  std::string table = arguments.string(arguments.member(info[0], "table"), "table");
  std::string bridge = arguments.string(arguments.member(info[0], "bridge"), "bridge");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=]() -> Status {
    LICHEN_ASSIGN(Netlink netlink, open_nfnetlink());
    return isolate_ports(netlink, table, bridge);
  });
}

// keepClients(table): Promise<void>
Napi::Value keep_clients_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "keepClients");
  std::string table = arguments.string(info[0], "table");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=] { return keep_clients(table); });
}

// listen(address, port, protocol): Fd
Napi::Value listen_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "listen");
  std::string address = arguments.string(info[0], "address");
  auto port = static_cast<uint16_t>(arguments.number(info[1], "port", 0, 65535));
  std::string protocol = arguments.string(info[2], "protocol");
  if (!arguments.ok()) return info.Env().Undefined();
  auto wanted = SocketAddress::parse(address, port);
  if (!wanted) return throw_error(info.Env(), wanted.error());
  auto socket = listen_on(wanted.value(), protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM);
  if (!socket) return throw_error(info.Env(), socket.error());
  return FdObject::wrap(info.Env(), std::move(socket->fd));
}

// removeTable(name): Promise<void>
Napi::Value remove_table_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "removeTable");
  std::string table = arguments.string(info[0], "name");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=]() -> Status {
    LICHEN_ASSIGN(Netlink netlink, open_nfnetlink());
    return delete_table(netlink, table);
  });
}

// removeLink(name): Promise<void>
Napi::Value remove_link_call(const Napi::CallbackInfo& info) {
  Arguments arguments(info, "removeLink");
  std::string name = arguments.string(info[0], "name");
  if (!arguments.ok()) return info.Env().Undefined();
  return in_background(info.Env(), [=]() -> Status {
    LICHEN_ASSIGN(Netlink netlink, open_rtnetlink());
    return delete_link(netlink, name);
  });
}

Napi::Value to_array(Napi::Env env, const Interfaces& found) {
  Napi::Array links = Napi::Array::New(env);
  for (const auto& link : found.links) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("index", link.index);
    object.Set("name", link.name);
    object.Set("kind", link.kind);
    object.Set("mac", link.mac);
    object.Set("mtu", link.mtu);
    object.Set("master", link.master);
    object.Set("up", Napi::Boolean::New(env, link.up));
    Napi::Array addresses = Napi::Array::New(env);
    for (const auto& entry : found.addresses) {
      if (entry.index == link.index) addresses.Set(addresses.Length(), entry.address.text());
    }
    object.Set("addresses", addresses);
    links.Set(links.Length(), object);
  }
  return links;
}

// links(): Promise<Link[]>
Napi::Value links_call(const Napi::CallbackInfo& info) {
  auto work = []() -> Result<Interfaces> {
    LICHEN_ASSIGN(Netlink netlink, open_rtnetlink());
    LICHEN_ASSIGN(auto links, list_links(netlink));
    LICHEN_ASSIGN(auto addresses, list_addresses(netlink));
    return Interfaces{std::move(links), std::move(addresses)};
  };
  return in_background<Interfaces>(info.Env(), work, to_array);
}

}  // namespace

void add_network(Napi::Env env, Napi::Object exports) {
  exports.Set("ensureBridge", Napi::Function::New<ensure_bridge_call>(env, "ensureBridge"));
  exports.Set("masquerade", Napi::Function::New<masquerade_call>(env, "masquerade"));
  exports.Set("isolatePorts", Napi::Function::New<isolate_ports_call>(env, "isolatePorts"));
  exports.Set("keepClients", Napi::Function::New<keep_clients_call>(env, "keepClients"));
  exports.Set("listen", Napi::Function::New<listen_call>(env, "listen"));
  exports.Set("removeTable", Napi::Function::New<remove_table_call>(env, "removeTable"));
  exports.Set("removeLink", Napi::Function::New<remove_link_call>(env, "removeLink"));
  exports.Set("links", Napi::Function::New<links_call>(env, "links"));
}

}  // namespace lichen::addon
