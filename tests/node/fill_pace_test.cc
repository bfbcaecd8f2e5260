#include "fill_pace.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;

/// Well within its time, with clients that wait.
FillPace::Turn late_turn() {
  return {.late = 8ms, .has_clients = true, .filled = 0.5, .since_begin = 10s};
}

TEST_CASE("filling has no bound while no client asks, but that which is set") {
  FillPace pace;
  Settings settings;
  FillPace::Turn alone = late_turn();
  alone.has_clients = false;
  pace.turn(alone, settings);
  CHECK(pace.bytes_per_second() == 0);
  CHECK(pace.hold() == 0ms);
  settings.repair_bandwidth = 1000;
  pace.turn(alone, settings);
  CHECK(pace.bytes_per_second() == 1000);
}

TEST_CASE("filling gives way while clients wait, down to a least rate, and comes back when they don't") {
  FillPace pace;
  const Settings settings;
  pace.turn(late_turn(), settings);
  const std::uint64_t first = pace.bytes_per_second();
  CHECK(first > 0);
  CHECK(pace.hold() == 8ms);
  pace.turn(late_turn(), settings);
  CHECK(pace.bytes_per_second() == first / 2);
  for (int i = 0; i < 40; ++i) pace.turn(late_turn(), settings);
  const std::uint64_t least = pace.bytes_per_second();
  CHECK(least > 1'000'000);
  FillPace::Turn quick = late_turn();
  quick.late = 0ms;
  pace.turn(quick, settings);
  CHECK(pace.bytes_per_second() > least);
  CHECK(pace.hold() == 0ms);
  for (int i = 0; i < 1000; ++i) pace.turn(quick, settings);
  CHECK(pace.bytes_per_second() > 1'000'000'000);
}

TEST_CASE("what lasts too long gives way no more") {
  FillPace pace;
  Settings settings;
  FillPace::Turn turn = late_turn();
  turn.since_begin = 5min;
  pace.turn(turn, settings);
  CHECK(pace.bytes_per_second() > 0);
  turn.since_begin = 7min;  // of ten, and half is done
  pace.turn(turn, settings);
  CHECK(pace.bytes_per_second() == 0);
  turn.since_begin = 10s;
  settings.repair_target = 0s;
  pace.turn(turn, settings);
  CHECK(pace.bytes_per_second() == 0);
}

TEST_CASE("giving way never goes beyond the bound that is set") {
  FillPace pace;
  Settings settings;
  settings.repair_bandwidth = 5'000'000;
  FillPace::Turn quick = late_turn();
  quick.late = 0ms;
  for (int i = 0; i < 10; ++i) pace.turn(quick, settings);
  CHECK(pace.bytes_per_second() == 5'000'000);
}

}  // namespace
}  // namespace brigade::node
