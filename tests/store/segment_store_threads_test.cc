#include "sharing.h"
#include "support.h"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "brigade/base/prng.h"
#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

using testing::Body;
using testing::body;
using testing::id_of;
using testing::key_of;

/// Catch's macros are for one thread: others count what went wrong.
TEST_CASE("threads that write, delete and read the same few objects see whole ones only, and the highest wins") {
  const testing::TempDir dir;
  PosixFileSystem fs;
  SegmentStoreOptions options = testing::tiny_options();
  options.small_bytes_max = 60'000;  // some are large
  options.segment_bytes_min = options.segment_bytes_max = 256 << 10;
  options.step_bytes = 100'000;
  options.snapshot_every_bytes = 1 << 20;
  auto store = open_segment_store(fs, dir.path("store"), options);
  REQUIRE(store);
  constexpr std::uint64_t kIds = 5, kRevisions = 40;
  const auto size_of = [](std::uint64_t revision) { return static_cast<std::size_t>(revision * 5003 % 90'000); };
  std::atomic<std::uint64_t> next{1}, wrong{0}, committed{0}, reads{0};
  std::atomic<bool> done{false};
  {
    std::vector<std::jthread> readers;
    std::vector<std::jthread> writers;
    for (int t = 0; t < 4; ++t) {
      writers.emplace_back([&] {
        for (std::uint64_t n = next++; n <= kIds * kRevisions; n = next++) {
          const ObjectId id = id_of(0x1200, n % kIds);
          const std::uint64_t revision = n / kIds + 1;
          const Result<ObjectMeta> meta = revision % 7 == 0
                                              ? testing::remove(**store, id, revision)
                                              : testing::put(**store, id, revision, body(revision, size_of(revision)));
          if (meta) ++committed;
          if (!meta && meta.error().code() != Errc::kStale) ++wrong;
        }
      });
    }
    for (int t = 0; t < 2; ++t) {
      readers.emplace_back([&, t] {
        Prng prng(static_cast<std::uint64_t>(t));
        do {
          const ObjectId id = id_of(0x1200, prng.below(kIds));
          const auto reader = (*store)->open(id, key_of(id));
          if (!reader) {
            if (reader.error().code() != Errc::kNotFound) ++wrong;
            continue;
          }
          const std::uint64_t revision = (*reader)->meta().revision.value;
          const Result<Body> bytes = testing::read(**reader);
          if (!bytes || *bytes != body(revision, size_of(revision))) ++wrong;
          ++reads;
          static_cast<void>((*store)->list(BucketId{0x1200}));
          static_cast<void>((*store)->stats());
        } while (!done);
      });
    }
    std::jthread keeper([&] {
      while (!done) {
        if (!(*store)->maintain(WallTime{}).again) std::this_thread::yield();
      }
    });
    writers.clear();
    done = true;
  }
  REQUIRE(wrong == 0);
  REQUIRE(committed > kIds);
  REQUIRE(reads > 0);
  testing::require_consistent(**store, {0x1200});
  std::vector<IndexEntry> last = (*store)->list(BucketId{0x1200});
  REQUIRE(last.size() == kIds);
  for (const IndexEntry& entry : last) REQUIRE(entry.revision.value >= kRevisions);
  testing::maintain_all(**store);
  store->reset();
  store = open_segment_store(fs, dir.path("store"), options);
  REQUIRE((*store)->list(BucketId{0x1200}) == last);
}

TEST_CASE("threads that commit the same revision of the same object agree") {
  const testing::TempDir dir;
  PosixFileSystem fs;
  auto store = open_segment_store(fs, dir.path("store"), testing::tiny_options());
  REQUIRE(store);
  std::atomic<int> succeeded{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t)
      threads.emplace_back([&] {
        if (testing::put(**store, id_of(1, 1), 10, body(1, 1000))) ++succeeded;
      });
  }
  REQUIRE(succeeded == 6);
  REQUIRE((*store)->stats().objects == 1);
}

TEST_CASE("commits that threads wait for and commits that they don't share batches, and each is told once") {
  const testing::TempDir dir;
  PosixFileSystem fs;
  auto store = open_segment_store(fs, dir.path("store"), testing::tiny_options());
  REQUIRE(store);
  constexpr std::uint64_t kThreads = 6, kEach = 60;
  std::atomic<std::uint64_t> told{0}, wrong{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < kEach; ++i) {
          const ObjectId id = id_of(static_cast<std::uint16_t>(t), i);
          auto staged = (*store)->stage(id, key_of(id), 500);
          if (!staged || !(*staged)->write(body(i, 500)) || !(*staged)->finish()) ++wrong;
          if (t % 2 == 0) {
            if ((*store)->commit(std::move(*staged), testing::info(i + 1))) ++told;
          } else {
            const auto tell = [&](const Result<ObjectMeta>& done) { told += done ? 1 : 0; };
            if (const auto work = (*store)->commit(std::move(*staged), testing::info(i + 1), tell)) work();
          }
        }
      });
  }
  // Who leads goes on until nothing waits, so all is told when the last thread is through.
  REQUIRE(wrong == 0);
  REQUIRE(told == kThreads * kEach);
  REQUIRE((*store)->stats().objects == kThreads * kEach);
}

TEST_CASE("syncs that are asked for while one runs share the next") {
  GroupSync group;
  std::mutex mutex;
  std::condition_variable changed;
  int runs = 0;
  bool go = false;
  const auto sync = [&]() -> Status {
    std::unique_lock lock(mutex);
    ++runs;
    changed.notify_all();
    changed.wait(lock, [&] { return go; });
    return {};
  };
  std::atomic<int> ok{0};
  {
    std::vector<std::jthread> threads;
    const auto call = [&] {
      if (group.run(sync)) ++ok;
    };
    threads.emplace_back(call);
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return runs == 1; });
    }
    for (int i = 0; i < 5; ++i) threads.emplace_back(call);
    const std::lock_guard lock(mutex);
    REQUIRE(runs == 1);
    go = true;
    changed.notify_all();
  }
  REQUIRE(ok == 6);
  // How many of the five came before the first ended is the scheduler's business: never fewer than one more run.
  REQUIRE(runs >= 2);
  REQUIRE(runs <= 6);
}

TEST_CASE("a sync that failed once fails for all who come later") {
  GroupSync group;
  REQUIRE(group.run([]() -> Status { return {}; }));
  REQUIRE(group.run([]() -> Status { return Error(Errc::kIo); }).error().code() == Errc::kIo);
  REQUIRE(group.run([]() -> Status { return {}; }).error().code() == Errc::kIo);
}

}  // namespace
}  // namespace brigade::store
