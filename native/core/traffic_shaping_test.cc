#include "core/traffic_shaping.h"

#include <doctest/doctest.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "core/links.h"
#include "in_namespaces.h"

using namespace lichen;

namespace {

// The rate, in bytes a second, of the token bucket on a link; 0 without one.
uint64_t rate_of(Netlink& netlink, int index) {
  NetlinkMessage message(RTM_GETQDISC, NLM_F_DUMP);
  message.header(tcmsg{});
  uint64_t rate = 0;
  auto done = netlink.query(std::move(message), "list", "", [&](const nlmsghdr*, std::string_view payload) {
    tcmsg header;
    memcpy(&header, payload.data(), sizeof header);
    if (header.tcm_ifindex != index) return;
    for_each_attribute(payload.substr(sizeof header), [&](uint16_t type, std::string_view value) {
      if (type != TCA_OPTIONS) return;
      for_each_attribute(value, [&](uint16_t inner, std::string_view data) {
        tc_tbf_qopt options;
        if (inner == TCA_TBF_PARMS && data.size() >= sizeof options) {
          memcpy(&options, data.data(), sizeof options);
          if (rate == 0) rate = options.rate.rate;
        }
        if (inner == TCA_TBF_RATE64 && data.size() == sizeof rate) memcpy(&rate, data.data(), sizeof rate);
      });
    });
  });
  return done ? rate : 0;
}

std::string limits() {
  auto netlink = open_rtnetlink();
  if (!netlink) return netlink.error().text();
  TRY_TEXT(create_veth(netlink.value(), {.name = "a", .peer = "b"}));
  auto limited = limit_rate(netlink.value(), "a", 8'000'000);
  if (!limited && limited.error().code == "ENOENT") return "skip: " + limited.error().text();
  TRY_TEXT(limited);
  int index = link_index(netlink.value(), "a").value();
  if (rate_of(netlink.value(), index) != 1'000'000) return "another rate than asked for";
  TRY_TEXT(limit_rate(netlink.value(), "a", 80'000'000'000));
  if (rate_of(netlink.value(), index) != 10'000'000'000) return "a rate beyond 32 bits is another one";
  TRY_TEXT(pace(netlink.value(), "b", 16'000'000'000));
  if (rate_of(netlink.value(), link_index(netlink.value(), "b").value()) != 2'000'000'000)
    return "another pace than asked for";
  auto missing = limit_rate(netlink.value(), "none", 1000);
  if (missing || missing.error().code != "ENODEV") return "a missing link was not refused";
  if (pace(netlink.value(), "none", 1000)) return "a missing link was paced";
  return "";
}

}  // namespace

TEST_CASE("a link's rate is limited, and the limit replaced") {
  std::string text = in_namespaces(limits);
  LICHEN_SKIP_UNLESS_RUN(text);
  CHECK(text == "");
}
