#include "admission.h"

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;
using Clock = Admission::Clock;
using Room = Admission::Room;

constexpr std::uint64_t kMany = 1'000'000;  ///< bytes enough for all

/// Clients that hold places, on a clock of the test.
struct Crowd {
  bool enter(const std::string& client, std::uint64_t bytes = 1) {
    auto place = admission.enter(client, bytes, limit, now);
    if (place) held[client].push_back(std::move(*place));
    return place.has_value();
  }
  std::size_t enter_as_often_as_possible(const std::string& client) {
    while (enter(client)) {
    }
    return held[client].size();
  }
  void leave(const std::string& client) { held[client].pop_front(); }

  Room limit{10, kMany};
  Clock::time_point now{};
  Admission admission;
  std::map<std::string, std::deque<Admission::Place>> held;
};

TEST_CASE("a client alone may take all places, and no more") {
  Crowd crowd;
  CHECK(crowd.enter_as_often_as_possible("a") == 10);
  CHECK(crowd.admission.stats().used == Room{10, 10});
  CHECK(crowd.admission.stats().refused_full == 1);
  crowd.held.clear();
  CHECK(crowd.admission.stats().used == Room{0, 0});
}

TEST_CASE("a client alone may take all bytes, and no more") {
  Crowd crowd;
  crowd.limit = {100, 50};
  CHECK(crowd.enter("a", 20));
  CHECK(crowd.enter("a", 30));
  CHECK_FALSE(crowd.enter("a", 1));
  CHECK(crowd.admission.stats().refused_full == 1);
}

TEST_CASE("who comes to a full room gets its half, as the other gives back its places") {
  Crowd crowd;
  crowd.enter_as_often_as_possible("greedy");
  CHECK_FALSE(crowd.enter("late"));
  for (int turn = 0; turn < 20; ++turn) {
    crowd.leave("greedy");
    crowd.enter_as_often_as_possible("greedy");  // always the first to ask
    crowd.enter("late");
    if (crowd.held["greedy"].size() == 5 && crowd.held["late"].size() == 5) break;
  }
  CHECK(crowd.held["greedy"].size() == 5);
  CHECK(crowd.held["late"].size() == 5);
  CHECK(crowd.admission.stats().refused_share > 0);
}

TEST_CASE("two that take turns at asking get half each") {
  Crowd crowd;
  while (crowd.enter("a") | crowd.enter("b")) {
  }
  CHECK(crowd.held["a"].size() == 5);
  CHECK(crowd.held["b"].size() == 5);
}

TEST_CASE("many small ones do not keep a big one from half of the room") {
  Crowd crowd;
  for (int i = 0; i < 4; ++i) {
    CHECK(crowd.enter("small" + std::to_string(i)));
    crowd.leave("small" + std::to_string(i));
  }
  CHECK(crowd.enter_as_often_as_possible("big") == 5);
  for (int i = 0; i < 4; ++i) CHECK(crowd.enter("small" + std::to_string(i)));
}

TEST_CASE("a share is of bytes, too, and who holds nothing may go beyond it while there is room") {
  Crowd crowd;
  crowd.limit = {100, 100};
  CHECK(crowd.enter("a", 40));
  CHECK(crowd.enter("b", 55));
  CHECK_FALSE(crowd.enter("b", 1));
  CHECK(crowd.enter("a", 5));
  CHECK(crowd.admission.stats().refused_share == 1);
}

TEST_CASE("who has not asked for a while has no share any more") {
  Crowd crowd;
  CHECK(crowd.enter("gone"));
  crowd.leave("gone");
  CHECK(crowd.enter_as_often_as_possible("here") == 5);
  crowd.now += Admission::kLately;
  CHECK(crowd.enter_as_often_as_possible("here") == 5);
  crowd.now += 1ms;
  CHECK(crowd.enter_as_often_as_possible("here") == 10);
}

TEST_CASE("who holds something keeps its share, however long ago it asked") {
  Crowd crowd;
  CHECK(crowd.enter("slow"));
  crowd.now += 1h;
  CHECK(crowd.enter_as_often_as_possible("quick") == 5);
  crowd.now += 1h;
  CHECK(crowd.enter_as_often_as_possible("quick") == 5);
}

TEST_CASE("a limit that is lowered below what is held admits nobody until enough is given back") {
  Crowd crowd;
  crowd.enter_as_often_as_possible("a");
  crowd.limit = {2, kMany};
  CHECK_FALSE(crowd.enter("b"));
  for (int i = 0; i < 8; ++i) crowd.leave("a");
  CHECK_FALSE(crowd.enter("b"));
  crowd.leave("a");
  CHECK(crowd.enter("b"));
}

TEST_CASE("any number of clients that come once takes bounded memory, and harms nobody who is there") {
  Crowd crowd;
  CHECK(crowd.enter("a"));
  for (std::size_t i = 0; i < 3 * Admission::kClientsMax; ++i) {
    CHECK(crowd.enter(std::to_string(i)));
    crowd.held.erase(std::to_string(i));
  }
  CHECK(crowd.enter("a"));
  crowd.held.clear();
  CHECK(crowd.admission.stats().used == Room{0, 0});
}

TEST_CASE("a place that is handed on is given back once, also on another thread") {
  Admission admission;
  const auto one = [&] { return admission.enter("a", 7, {1, 7}, Clock::time_point{}); };
  {
    auto first = one();
    REQUIRE(first);
    Admission::Place second = std::move(*first);
    first.reset();
    CHECK(admission.stats().used == Room{1, 7});
    std::thread([place = std::move(second)] {}).join();
  }
  CHECK(admission.stats().used == Room{0, 0});
  CHECK(one());
}

TEST_CASE("what all hold is never more than the limit, and who holds nothing begins as long as there is room") {
  CHECK(rc::check([] {
    Crowd crowd;
    crowd.limit = {*rc::gen::inRange<std::size_t>(1, 40), *rc::gen::inRange<std::uint64_t>(20, 200)};
    const int clients = *rc::gen::inRange(1, 6);
    for (int step = *rc::gen::inRange(0, 200); step > 0; --step) {
      const std::string client(1, static_cast<char>('a' + *rc::gen::inRange(0, clients)));
      const auto before = crowd.admission.stats();
      crowd.now += std::chrono::milliseconds(*rc::gen::inRange(0, 200));
      if (*rc::gen::inRange(0, 3) == 0 && !crowd.held[client].empty()) {
        crowd.leave(client);
        continue;
      }
      const auto bytes = *rc::gen::inRange<std::uint64_t>(0, 20);
      const bool entered = crowd.enter(client, bytes);
      const auto after = crowd.admission.stats();
      RC_ASSERT(after.used.places <= crowd.limit.places);
      RC_ASSERT(after.used.bytes <= crowd.limit.bytes);
      const bool has_room = before.used.places < crowd.limit.places && before.used.bytes + bytes <= crowd.limit.bytes;
      if (!has_room) RC_ASSERT(!entered);
      if (has_room && crowd.held[client].empty()) RC_ASSERT(entered);
      std::size_t places = 0;
      for (const auto& [name, held] : crowd.held) places += held.size();
      RC_ASSERT(places == after.used.places);
    }
    crowd.held.clear();
    RC_ASSERT(crowd.admission.stats().used == (Room{0, 0}));
  }));
}

TEST_CASE("two that always want more end with half of the places each, whoever gives back and asks when") {
  CHECK(rc::check([] {
    Crowd crowd;
    crowd.limit.places = *rc::gen::inRange<std::size_t>(2, 30);
    crowd.enter_as_often_as_possible(*rc::gen::element<std::string>("a", "b"));
    for (int turn = 0; turn < 200; ++turn) {
      crowd.now += 1ms;
      const std::string first = *rc::gen::element<std::string>("a", "b");
      const std::string second = first == "a" ? "b" : "a";
      if (!crowd.held[first].empty()) crowd.leave(first);
      if (!crowd.held[second].empty() && *rc::gen::arbitrary<bool>()) crowd.leave(second);
      crowd.enter_as_often_as_possible(first);
      crowd.enter_as_often_as_possible(second);
    }
    RC_ASSERT(crowd.held["a"].size() >= crowd.limit.places / 2);
    RC_ASSERT(crowd.held["b"].size() >= crowd.limit.places / 2);
  }));
}

TEST_CASE("clients are told apart by address, and IPv6 ones by network") {
  CHECK(client_of("10.0.0.1:1234") == "10.0.0.1");
  CHECK(client_of("10.0.0.1:9") == client_of("10.0.0.1:1234"));
  CHECK(client_of("10.0.0.2:9") != client_of("10.0.0.1:9"));
  CHECK(client_of("[2001:db8:1:2::1]:80") == client_of("[2001:db8:1:2:ffff::9]:81"));
  CHECK(client_of("[2001:db8:1:3::1]:80") != client_of("[2001:db8:1:2::1]:80"));
  CHECK(client_of("[::ffff:10.0.0.1]:80") == "10.0.0.1");
  CHECK(client_of("?") == "?");
}

}  // namespace
}  // namespace brigade::node
