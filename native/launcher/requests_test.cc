#include "launcher/requests.h"

#include <doctest/doctest.h>

#include "core/scm.h"

using namespace lichen;
using namespace lichen::launcher;

namespace {

Packet ask(const std::string& request) {
  auto sockets = make_packet_pair();
  REQUIRE(sockets.ok());
  REQUIRE(answer_request(sockets->first, request).ok());
  auto packet = receive_packet(sockets->second);
  REQUIRE(packet.ok());
  REQUIRE(packet.value().has_value());
  return std::move(*packet.value());
}

bool contains(const Packet& packet, const char* text) { return packet.bytes.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("listen answers with the port and the socket") {
  Packet answer = ask(R"({"id":7,"op":"listen","address":"127.0.0.1","port":0})");
  CHECK(contains(answer, R"({"id":7,"ok":{"port":)"));
  CHECK(answer.fds.size() == 1);
}

TEST_CASE("what cannot be done is answered with an error, without a socket") {
  for (auto [request, code] :
       {std::pair{R"({"id":1,"op":"listen","address":"nowhere","port":0})", "INVALID_ADDRESS"},
        {R"({"id":1,"op":"listen","port":0})", "INVALID_FIELD"},
        {R"({"id":1,"op":"listen","address":"127.0.0.1","port":70000})", "INVALID_FIELD"},
        {R"({"id":1,"op":"dial","host":"x","port":0})", "INVALID_FIELD"},
        {R"({"id":1,"op":"reboot"})", "UNKNOWN_OP"},
        {R"(rubbish)", "INVALID_JSON"}}) {
    Packet answer = ask(request);
    CHECK(contains(answer, (std::string(R"("code":")") + code).c_str()));
    CHECK(answer.fds.empty());
  }
}
