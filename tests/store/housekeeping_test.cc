// How quick the store may be with work that can wait.
#include "support.h"

#include <chrono>
#include <cstdint>
#include <memory>

#include <catch2/catch.hpp>

#include "brigade/store/memory_file_system.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::body;
using testing::id_of;
using testing::put;

constexpr std::uint64_t kPlenty = std::uint64_t{1} << 40;
constexpr std::uint64_t kBandwidth = 10'000;

/// A store of tiny segments, each half of which is garbage.
struct HalfGarbage {
  MemoryFileSystem fs;
  SegmentStoreOptions options = testing::tiny_options();
  std::unique_ptr<ObjectStore> store;
  WallTime now{1'000'000};

  HalfGarbage() {
    fs.set_free_bytes(kPlenty);
    fs.make_directory("/data").value();
    auto opened = open_segment_store(fs, "/data/store", options);
    REQUIRE(opened);
    store = std::move(*opened);
    for (std::uint64_t number = 0; number < 200; ++number)
      REQUIRE(put(*store, id_of(7, number), 1, body(number, 1000)));
    for (std::uint64_t number = 0; number < 200; number += 2)
      REQUIRE(put(*store, id_of(7, number), 2, body(number, 10)));
  }
  /// Steps of compaction until the store wants to rest; how long, 0 if there is nothing more to do.
  Duration compact(int& steps) {
    for (int calls = 0; calls < 10'000; ++calls) {
      const MaintainResult result = store->maintain(now);
      if (!result.again) return result.rest;
      steps += result.did == "compacted" ? 1 : 0;
    }
    FAIL("no end to it");
    return {};
  }
};

TEST_CASE_METHOD(HalfGarbage, "compaction rests after each step that copied something, as long as its bandwidth says") {
  store->set_compaction_bandwidth(kBandwidth);
  int steps = 0, rests = 0;
  const WallTime began = now;
  for (Duration rest = compact(steps); rest > Duration{}; rest = compact(steps)) {
    // A step copies 3 000 bytes, and at most a record more.
    REQUIRE(rest <= std::chrono::milliseconds{1000 * (3000 + 1500) / kBandwidth});
    const int before = steps;
    now.unix_ms += std::chrono::duration_cast<std::chrono::milliseconds>(rest).count() - 1;
    REQUIRE(compact(steps) == std::chrono::milliseconds{1});
    REQUIRE(steps == before);
    now.unix_ms += 1;
    ++rests;
  }
  // A hundred records of 1 000 bytes, with headers and footers.
  REQUIRE(rests > 10);
  REQUIRE(now.unix_ms - began.unix_ms > 1000 * 60'000 / static_cast<std::int64_t>(kBandwidth));
  for (std::uint64_t number = 1; number < 200; number += 2)
    REQUIRE(testing::get(*store, id_of(7, number)).value() == body(number, 1000));
}

TEST_CASE_METHOD(HalfGarbage, "compaction does not rest without a bandwidth, nor after the clock was set back") {
  int steps = 0;
  store->set_compaction_bandwidth(kBandwidth);
  REQUIRE(compact(steps) > Duration{});
  now.unix_ms -= 3'600'000;
  const int before = steps;
  REQUIRE(compact(steps) > Duration{});
  REQUIRE(steps > before);
  store->set_compaction_bandwidth(0);
  REQUIRE(compact(steps) == Duration{});
}

TEST_CASE_METHOD(HalfGarbage, "compaction does not rest while a put finds no space") {
  store->set_compaction_bandwidth(kBandwidth);
  fs.set_free_bytes(options.reserve_bytes);
  std::uint64_t number = 1000;
  while (put(*store, id_of(7, number), 1, body(number, 1000))) REQUIRE(++number < 10'000);
  int steps = 0;
  REQUIRE(compact(steps) == Duration{});
  REQUIRE(steps > 10);
}

}  // namespace
}  // namespace brigade::store
