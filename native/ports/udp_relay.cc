#include <sys/epoll.h>

#include <cerrno>
#include <list>
#include <string>
#include <unordered_map>

#include "ports/datagrams.h"
#include "ports/relay.h"

namespace lichen::ports {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMostSessions = 4096;

// One relay at a time uses it, from receiving to sending.
DatagramBuffer& shared_buffer() {
  static DatagramBuffer buffer;
  return buffer;
}

struct Session {
  std::string key;
  SocketAddress client;
  PacketInfo local;
  Fd pod;
  Clock::time_point last;
};

// A client is another one at another local address: its answers must come from there.
std::string key_of(const Datagram& datagram) {
  std::string key(datagram.peer.ip());
  uint16_t port = datagram.peer.port();
  key.append(reinterpret_cast<const char*>(&port), sizeof port);
  return key.append(datagram.local.bytes, datagram.local.size);
}

class UdpRelay final : public Relay {
 public:
  UdpRelay(EventLoop& loop, Quota& quota, Fd socket, Target target, SessionTimes times)
      : loop_(loop), quota_(quota), socket_(std::move(socket)), target_(std::move(target)), times_(times) {}

  ~UdpRelay() override {
    loop_.forget(socket_);
    if (sweep_ != 0) loop_.cancel(sweep_);
    while (!sessions_.empty()) end(sessions_.begin());
  }

  Status open() override {
    SocketAddress own;
    if (getsockname(socket_.get(), own.storage(), own.room()) != 0) return sys_error("getsockname");
    LICHEN_TRY(want_packet_info(socket_, own.family()));
    return loop_.watch(socket_, EPOLLIN, [this](uint32_t) { from_clients(); });
  }

  size_t clients() const override { return sessions_.size(); }

 private:
  using Place = std::list<Session>::iterator;

  void from_clients() {
    auto datagrams = shared_buffer().receive(socket_, true);
    if (!datagrams) return;  // an ICMP error about an answer of ours; reading it has cleared it
    std::vector<std::string_view> run;
    for (size_t i = 0; i < datagrams->size(); i++) {
      const Datagram& one = (*datagrams.operator->())[i];
      std::string key = key_of(one);
      run.push_back(one.bytes);
      // Datagrams of one client that came together go on together.
      if (i + 1 < datagrams->size() && key_of((*datagrams.operator->())[i + 1]) == key) continue;
      if (Session* session = find_or_begin(one, key)) send_datagrams(session->pod, run);
      run.clear();
    }
  }

  Session* find_or_begin(const Datagram& datagram, const std::string& key) {
    auto found = by_key_.find(key);
    if (found != by_key_.end()) {
      touch(found->second);
      return &*found->second;
    }
    while (!sessions_.empty() && (sessions_.size() >= kMostSessions || quota_.full())) end(sessions_.begin());
    if (quota_.full()) return nullptr;
    auto pod = connect_to_pod(target_, datagram.peer, SOCK_DGRAM);
    if (!pod) return nullptr;
    Place place = sessions_.insert(
        sessions_.end(), {key, datagram.peer, datagram.local, std::move(pod).value(), Clock::now()});
    auto watched = loop_.watch(place->pod, EPOLLIN, [this, place](uint32_t) { from_pod(place); });
    if (!watched) {
      sessions_.erase(place);
      return nullptr;
    }
    by_key_[key] = place;
    quota_.used++;
    if (sweep_ == 0) sweep_later();
    return &*place;
  }

  void from_pod(Place place) {
    auto datagrams = shared_buffer().receive(place->pod, false);
    if (!datagrams || datagrams->empty()) return;  // ECONNREFUSED: nobody listens in the pod
    touch(place);
    std::vector<std::string_view> packets;
    for (const Datagram& one : datagrams.value()) packets.push_back(one.bytes);
    send_datagrams(socket_, packets, &place->client, &place->local);
  }

  // The list is in the order of use.
  void touch(Place place) {
    place->last = Clock::now();
    sessions_.splice(sessions_.end(), sessions_, place);
  }

  void end(Place place) {
    loop_.forget(place->pod);
    by_key_.erase(place->key);
    sessions_.erase(place);
    quota_.used--;
  }

  void sweep_later() {
    sweep_ = loop_.after(times_.sweep, [this] {
      sweep_ = 0;
      while (!sessions_.empty() && Clock::now() - sessions_.front().last > times_.idle)
        end(sessions_.begin());
      if (!sessions_.empty()) sweep_later();
    });
  }

  EventLoop& loop_;
  Quota& quota_;
  Fd socket_;
  Target target_;
  SessionTimes times_;
  std::list<Session> sessions_;
  std::unordered_map<std::string, Place> by_key_;
  EventLoop::TimerId sweep_ = 0;
};

}  // namespace

std::unique_ptr<Relay> udp_relay(EventLoop& loop, Quota& quota, Fd socket, Target target,
                                 SessionTimes times) {
  return std::make_unique<UdpRelay>(loop, quota, std::move(socket), std::move(target), times);
}

}  // namespace lichen::ports
