// Every call to the file system is let fail in turn, by a crash or an error, in a workload with all kinds of changes.
#include "crash_model.h"

#include <catch2/catch.hpp>

namespace brigade::store {
namespace {

using testing::apply;
using testing::fresh_disk;
using testing::id_of;
using testing::Kind;
using testing::look;
using testing::Model;
using testing::Op;
using testing::Seen;

// A and B share a home bucket, C their directory, D has its own.
const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2), kC = id_of(0x1234, 3), kD = id_of(0xff00, 4);
const std::vector<ObjectId> kIds = {kA, kB, kC, kD};
const std::vector<std::uint16_t> kHomes = {0x1200, 0x1234, 0xff00};
const Op kMaintain{Kind::kMaintain, {}};

/// Objects and changes of all kinds; then the same few are overwritten until segments are switched, compacted, written
/// anew, and snapshots made.
std::vector<Op> make_workload() {
  std::vector<Op> ops = {
      {Kind::kPut, kA, 10, 100},
      {Kind::kPut, kB, 10, 0},
      {Kind::kPut, kA, 20, 2000},    // overwrite
      {Kind::kRemove, kA, 30},       // delete
      {Kind::kForget, kA, 30},       // the tombstone's time is over: what it had deleted stays deleted
      {Kind::kPut, kC, 10, 70'000},  // large: a file of several blocks
      {Kind::kPut, kB, 20, 1000},    // overwrite
      kMaintain,
      {Kind::kForget, kB, 20},   // a leftover of an unacknowledged write ...
      {Kind::kPut, kB, 15, 70},  // ... gives way to the older truth
      {Kind::kRemove, kD, 10},   // delete of what was never here
      {Kind::kPut, kA, 40, 1500},
      {Kind::kPut, kC, 10, 70'000},  // a repeat
      {Kind::kForget, kC, 5},        // of another revision: nothing to do
      {Kind::kPut, kD, 20, 1},       // new after a delete
      {Kind::kPut, kC, 20, 3000},    // large over large
  };
  for (std::uint64_t i = 0; i < 24; ++i) {
    ops.push_back({Kind::kPut, kIds[i % 2], 50 + i, 1700});
    if (i % 4 == 3) ops.push_back(kMaintain);
    if (i == 10) ops.push_back({Kind::kForget, kD, 20});
    if (i == 15) ops.push_back({Kind::kPut, kC, 30, 10});  // small over large
  }
  ops.push_back({Kind::kPut, kD, 20, 1});  // the same revision after it was forgotten
  ops.push_back(kMaintain);
  return ops;
}
const std::vector<Op> kWorkload = make_workload();

SegmentStoreOptions quiet_options() {
  SegmentStoreOptions options = testing::tiny_options();
  options.snapshot_every_bytes = 10'000;
  return options;
}

/// Runs the workload until it is through or the power is off.
void run_until_power_off(MemoryFileSystem& fs, Model& model) {
  auto store = open_segment_store(fs, "/data/store", quiet_options());
  if (!store) return;
  for (const Op& op : kWorkload) {
    if (apply(**store, op)) {
      model.acknowledged(op);
    } else {
      model.in_doubt(op);
      return;
    }
  }
}

std::uint64_t calls_of_workload() {
  const auto fs = fresh_disk();
  Model model(kIds);
  run_until_power_off(*fs, model);
  for (const ObjectId& id : kIds) REQUIRE(model.allows(id, model.now(id)));
  return fs->calls();
}

void crash(MemoryFileSystem& fs, std::uint64_t call, std::uint64_t variant) {
  Prng prng(call * 100 + variant);
  if (variant == 0) fs.crash([](std::size_t) { return Kept::kLost; });
  if (variant == 1) fs.crash([](std::size_t) { return Kept::kWhole; });
  if (variant == 2) fs.crash([](std::size_t) { return Kept::kTorn; });
  if (variant == 3) fs.crash([](std::size_t) { return Kept::kTornHead; });
  if (variant >= 4) fs.crash(prng);
}

TEST_CASE("the workload switches segments, compacts, writes them anew, and makes snapshots") {
  const auto fs = fresh_disk();
  Model model(kIds);
  run_until_power_off(*fs, model);
  const auto names = *fs->list("/data/store/objects/segments");
  INFO(names.size() << " files, the last " << names.back());
  std::uint64_t highest = 0;
  for (const std::string& name : names)
    if (name.ends_with(".seg")) highest = std::max<std::uint64_t>(highest, std::stoull(name, nullptr, 16));
  REQUIRE(highest > 5);
  REQUIRE(names.size() < 7);
  REQUIRE(fs->info("/data/store/objects/index.snap"));
  REQUIRE(testing::reopen(*fs, model, kIds).at(kD) == Seen{.revision = 20, .size = 1});
}

TEST_CASE("a power cut at any call loses nothing that was acknowledged and shows nothing half") {
  const std::uint64_t calls = calls_of_workload();
  REQUIRE(calls > 200);
  REQUIRE(calls < 2000);
  for (std::uint64_t call = 0; call <= calls; ++call) {
    for (std::uint64_t variant = 0; variant < 8; ++variant) {
      INFO("power off at call " << call << ", variant " << variant);
      const auto fs = fresh_disk();
      fs->fail_at(call + 2, Fault::kPowerOff);  // fresh_disk takes two calls
      Model model(kIds);
      run_until_power_off(*fs, model);
      crash(*fs, call, variant);
      const std::map<ObjectId, Seen> first = testing::reopen(*fs, model, kIds);
      // What a start has shown stays, whatever comes.
      fs->crash([](std::size_t) { return Kept::kLost; });
      REQUIRE(testing::reopen(*fs, model, kIds) == first);
    }
  }
}

TEST_CASE("what a start shows after the process was killed survives a power cut that follows") {
  const std::uint64_t calls = calls_of_workload();
  for (std::uint64_t call = 0; call <= calls; ++call) {
    INFO("killed at call " << call);
    const auto fs = fresh_disk();
    fs->fail_at(call + 2, Fault::kIo);
    Model model(kIds);
    run_until_power_off(*fs, model);
    fs->heal();
    // The disk's memory is still there, but for what the failed call lost.
    std::map<ObjectId, Seen> first;
    {
      auto store = open_segment_store(*fs, "/data/store", testing::strict_options());
      REQUIRE(store);
      for (const ObjectId& id : kIds) first[id] = look(**store, id);
    }
    Prng prng(call);
    fs->crash(prng);
    REQUIRE(testing::reopen(*fs, model, kIds) == first);
  }
}

TEST_CASE("a power cut during the start after a power cut changes nothing") {
  const std::uint64_t calls = calls_of_workload();
  for (std::uint64_t call = 3; call <= calls; call += 5) {
    for (std::uint64_t second = 0;; ++second) {
      INFO("power off at call " << call << ", and at call " << second << " of the start");
      const auto fs = fresh_disk();
      fs->fail_at(call + 2, Fault::kPowerOff);
      Model model(kIds);
      run_until_power_off(*fs, model);
      crash(*fs, call, 2 + second % 6);
      const std::uint64_t begun = fs->calls();
      fs->fail_at(begun + second, Fault::kPowerOff);
      const bool started = open_segment_store(*fs, "/data/store", quiet_options()).has_value();
      crash(*fs, call + second, second % 7);
      const std::map<ObjectId, Seen> first = testing::reopen(*fs, model, kIds);
      fs->crash([](std::size_t) { return Kept::kLost; });
      REQUIRE(testing::reopen(*fs, model, kIds) == first);
      if (started) break;
    }
  }
}

TEST_CASE("the store goes on after each power cut, many times over") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const auto fs = fresh_disk();
    Prng prng(seed);
    Model model(kIds);
    std::uint64_t revision = 1;
    for (int life = 0; life < 6; ++life) {
      auto store = open_segment_store(*fs, "/data/store", quiet_options());
      REQUIRE(store);
      fs->fail_at(fs->calls() + prng.below(150), Fault::kPowerOff);
      for (int step = 0; step < 80; ++step) {
        const ObjectId id = kIds[prng.below(kIds.size())];
        Op op{Kind::kMaintain, id};
        const std::uint64_t what = prng.below(10);
        if (what < 6) op = {Kind::kPut, id, ++revision, prng.below(prng.chance(1, 6) ? 5000 : 2048)};
        if (what == 6) op = {Kind::kRemove, id, ++revision};
        if (what == 7) op = {Kind::kForget, id, model.now(id).revision};
        if (apply(**store, op)) {
          model.acknowledged(op);
        } else {
          model.in_doubt(op);
          break;
        }
      }
      store->reset();
      INFO("seed " << seed << ", life " << life);
      fs->crash(prng);
      for (const auto& [id, seen] : testing::reopen(*fs, model, kIds)) model.settle(id, seen);
    }
  }
}

TEST_CASE("an error at any call hurts nothing that was acknowledged, and writing ends if the disk failed") {
  const Fault fault = GENERATE(Fault::kNoSpace, Fault::kIo, Fault::kShortWrite);
  const std::uint64_t calls = calls_of_workload();
  std::uint64_t refused = 0, ended = 0;
  for (std::uint64_t call = 0; call <= calls; ++call) {
    INFO("fault " << static_cast<int>(fault) << " at call " << call);
    const auto fs = fresh_disk();
    fs->fail_at(call + 2, fault);
    Model model(kIds);
    {
      auto store = open_segment_store(*fs, "/data/store", quiet_options());
      if (!store) {
        REQUIRE(fault != Fault::kShortWrite);
        // What a failed sync of a directory has lost, only a new start of the machine brings to light.
        fs->crash([](std::size_t) { return Kept::kLost; });
        store = open_segment_store(*fs, "/data/store", quiet_options());
        REQUIRE(store);
      }
      for (const Op& op : kWorkload) {
        const bool had_failed = (*store)->failed().has_value();
        const Status done = apply(**store, op);
        if (done) {
          REQUIRE((!had_failed || op.kind == Kind::kMaintain));
          model.acknowledged(op);
          continue;
        }
        const Errc code = done.error().code();
        INFO(done.error().detail());
        REQUIRE(fault != Fault::kShortWrite);
        if (code == Errc::kIo) {
          // Of a full disk too, if what was written is in doubt: in a segment, or a name that was to become durable.
          REQUIRE((*store)->failed());
          if (!had_failed) model.in_doubt(op);
          ++ended;
          // What may vanish is not shown: readers still get what was before.
          const std::optional<IndexEntry> entry = (*store)->find(op.id);
          if (!(entry && entry->corrupt)) REQUIRE((entry ? entry->revision.value : 0) == model.now(op.id).revision);
        } else {
          REQUIRE(code == Errc::kNoSpace);
          REQUIRE(fault == Fault::kNoSpace);
          REQUIRE_FALSE((*store)->failed());
          REQUIRE(look(**store, op.id) == model.now(op.id));
          ++refused;
          // The client tries again, and the disk has space by now.
          REQUIRE(apply(**store, op));
          model.acknowledged(op);
        }
      }
      // Reads go on after all writing has ended.
      fs->heal();
      for (const ObjectId& id : kIds) {
        const std::optional<IndexEntry> entry = (*store)->find(id);
        if (entry && entry->corrupt) continue;  // the fault was in a read; the next start finds it whole
        REQUIRE(model.allows(id, look(**store, id)));
      }
      testing::require_consistent(**store, kHomes);
    }
    Prng prng(call);
    fs->crash(prng);
    testing::reopen(*fs, model, kIds);
  }
  if (fault == Fault::kNoSpace) REQUIRE(refused > 5);
  if (fault != Fault::kShortWrite) REQUIRE(ended > 50);
}

}  // namespace
}  // namespace brigade::store
