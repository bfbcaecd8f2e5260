#include "fill_progress.h"

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;

TEST_CASE("filling tells now and then what is left, at which rate, and at the end what was done") {
  FillProgress progress;
  const FillProgress::TimePoint start{1h};
  CHECK_FALSE(progress.update(start, 0, 500, 9000));
  CHECK_FALSE(progress.update(start, 100, 500, 9000));
  CHECK(progress.to_json().at("seconds_left").is_null());
  CHECK_FALSE(progress.update(start + 5s, 60, 540, 29'000));
  const auto told = progress.update(start + 10s, 20, 580, 49'000);
  REQUIRE(told);
  CHECK(*told == "filling buckets_left=20 bytes_per_second=4000 seconds_left=3");
  CHECK_FALSE(progress.update(start + 11s, 16, 584, 50'000));
  CHECK(progress.left() == 16);
  CHECK(progress.to_json().at("filled") == 84);
  const auto ended = progress.update(start + 15s, 0, 600, 59'000);
  REQUIRE(ended);
  CHECK(*ended == "filled buckets=100 bytes=50000 seconds=15");
  CHECK(progress.to_json().at("seconds_left") == 0);
  CHECK(progress.to_json().at("bytes_per_second") == 0);
}

TEST_CASE("a short spell of filling is not worth a line") {
  FillProgress progress;
  const FillProgress::TimePoint start{1h};
  CHECK_FALSE(progress.update(start, 3, 0, 0));
  CHECK_FALSE(progress.update(start + 1s, 0, 3, 100));
  CHECK_FALSE(progress.update(start + 60s, 5, 3, 100));  // another one
  CHECK(progress.to_json().at("filled") == 0);
}

}  // namespace
}  // namespace brigade::node
