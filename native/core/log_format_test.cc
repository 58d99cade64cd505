#include "core/log_format.h"

#include <doctest/doctest.h>

#include <vector>

using namespace lichen;

namespace {

constexpr int64_t kTime = 1764000000123456789;  // 2025-11-24T16:00:00.123456789Z
const std::string kPrefix = "2025-11-24T16:00:00.123456789Z stdout ";

struct Log {
  std::vector<char> memory = std::vector<char>(20000);
  std::string text;
  LogBuffer buffer{memory.data(), memory.size(), [this](std::string_view piece) { text += piece; }};
  LogStream stream{"stdout"};

  std::string feed(std::string_view data) {
    text.clear();
    stream.feed(data, kTime, buffer);
    buffer.flush();
    return text;
  }
  std::string finish() {
    text.clear();
    stream.finish(kTime, buffer);
    buffer.flush();
    return text;
  }
};

}  // namespace

TEST_CASE("time has nine digits of the second") {
  CHECK(log_time(kTime) == "2025-11-24T16:00:00.123456789Z");
  CHECK(log_time(1000) == "1970-01-01T00:00:00.000001000Z");
}

TEST_CASE("each line becomes an entry, an empty one too") {
  Log log;
  CHECK(log.feed("a\n\nb\n") == kPrefix + "F a\n" + kPrefix + "F \n" + kPrefix + "F b\n");
}

TEST_CASE("a line in pieces waits for its end") {
  Log log;
  CHECK(log.feed("hel") == "");
  CHECK(log.feed("lo") == "");
  CHECK(log.feed(" you\nnext") == kPrefix + "F hello you\n");
  CHECK(log.finish() == kPrefix + "P next\n");
  CHECK(log.finish() == "");
}

TEST_CASE("a long line is cut into partial entries; only its end is full") {
  Log log;
  std::string line(kMaxLogLine * 2 + 5, 'x');
  std::string piece(kMaxLogLine, 'x');
  CHECK(log.feed(line + "\n") ==
        kPrefix + "P " + piece + "\n" + kPrefix + "P " + piece + "\n" + kPrefix + "F xxxxx\n");
}

TEST_CASE("a line of exactly the greatest length is one full entry, however it arrives") {
  std::string piece(kMaxLogLine, 'y');
  Log whole;
  CHECK(whole.feed(piece + "\n") == kPrefix + "F " + piece + "\n");
  Log parts;
  CHECK(parts.feed(piece) == "");
  CHECK(parts.feed("\n") == kPrefix + "F " + piece + "\n");
  Log more;
  CHECK(more.feed(piece) == "");
  CHECK(more.feed("z\n") == kPrefix + "P " + piece + "\n" + kPrefix + "F z\n");
}

TEST_CASE("any cut of the input gives the same entries' text") {
  std::string input;
  for (int i = 0; i < 200; i++) input += std::string(static_cast<size_t>(i * 37 % 301), 'a' + i % 26) + "\n";
  Log whole;
  std::string expected = whole.feed(input);
  for (size_t step : {1u, 7u, 4096u}) {
    Log log;
    std::string got;
    for (size_t at = 0; at < input.size(); at += step)
      got += log.feed(std::string_view(input).substr(at, step));
    CHECK(got == expected);
  }
}
