#include "launcher/requests.h"

#include "core/json.h"
#include "core/listen.h"
#include "core/scm.h"
#include "launcher/dial.h"

namespace lichen::launcher {

namespace {

Status send_error(const Fd& channel, int64_t id, const Error& error) {
  return send_packet(channel, JsonObject().number("id", id).raw("error", error_to_json(error)).str());
}

Status answer_listen(const Fd& channel, int64_t id, const JsonDocument& document) {
  JsonReader request = document.root();
  std::string address = request.required_text("address");
  auto port = static_cast<uint16_t>(request.number("port", 0, 0, 65535));
  std::string protocol = request.text("protocol", "tcp");
  if (protocol != "tcp" && protocol != "udp") request.refuse("protocol", "must be one of: tcp, udp");
  Status read = document.status();
  if (!read) return send_error(channel, id, read.error());
  auto wanted = SocketAddress::parse(address, port);
  if (!wanted) return send_error(channel, id, wanted.error());
  auto listening = listen_on(wanted.value(), protocol == "udp" ? SOCK_DGRAM : SOCK_STREAM);
  if (!listening) return send_error(channel, id, listening.error());
  std::string ok = JsonObject().number("port", listening->port).str();
  return send_packet(channel, JsonObject().number("id", id).raw("ok", ok).str(), {&listening->fd});
}

// Answered by a process of its own, when the connection stands.
Status answer_dial(const Fd& channel, int64_t id, const JsonDocument& document) {
  JsonReader request = document.root();
  DialRequest dial;
  dial.id = static_cast<uint64_t>(id);
  dial.host = request.required_text("host");
  dial.port = static_cast<uint16_t>(request.number("port", 0, 1, 65535));
  dial.timeout_ms = static_cast<int>(request.number("timeoutMs", dial.timeout_ms, 1, 600000));
  Status started = document.status();
  if (started) started = start_dial(channel, dial);
  if (!started) return send_error(channel, id, started.error());
  return {};
}

}  // namespace

Status answer_request(const Fd& channel, std::string_view text) {
  auto document = JsonDocument::parse(text, "request");
  if (!document) return send_error(channel, 0, document.error());
  JsonReader request = document->root();
  int64_t id = request.number("id", 0, 0);
  std::string op = request.text("op");
  if (op == "listen") return answer_listen(channel, id, document.value());
  if (op == "dial") return answer_dial(channel, id, document.value());
  return send_error(channel, id,
                    plain_error("UNKNOWN_OP", "answer the daemon", "\"" + op + "\"",
                                "this launcher knows listen and dial"));
}

}  // namespace lichen::launcher
