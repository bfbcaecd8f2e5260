// Every call to the file system is let fail in turn, by a crash or an error, in a workload with all kinds of changes.
#include "support.h"

#include <map>
#include <set>

#include <catch2/catch.hpp>

#include "brigade/store/file_store.h"
#include "brigade/store/memory_file_system.h"

namespace brigade::store {
namespace {

using testing::id_of;

/// The same few bodies are needed thousands of times.
const testing::Body& body(std::uint64_t seed, std::size_t size) {
  static std::map<std::pair<std::uint64_t, std::size_t>, testing::Body> known;
  const auto [at, is_new] = known.try_emplace({seed, size});
  if (is_new) at->second = testing::body(seed, size);
  return at->second;
}

/// One state of one object.
struct Seen {
  std::uint64_t revision = 0;  // 0: no record
  bool tombstone = false;
  std::uint64_t seed = 0;  // of the body
  std::size_t size = 0;
  auto operator<=>(const Seen&) const = default;
};

enum class Kind { kPut, kRemove, kForget };
struct Op {
  Kind kind;
  ObjectId id;
  std::uint64_t revision;
  std::size_t size = 0;
  [[nodiscard]] Seen outcome() const {
    if (kind == Kind::kForget) return {};
    if (kind == Kind::kRemove) return {.revision = revision, .tombstone = true};
    return {.revision = revision, .seed = revision * 1000 + id.low, .size = size};
  }
};

// A and B share a home bucket, C their directory, D has its own.
const ObjectId kA = id_of(0x1200, 1), kB = id_of(0x1200, 2), kC = id_of(0x1234, 3), kD = id_of(0xff00, 4);
const std::vector<ObjectId> kIds = {kA, kB, kC, kD};
const std::vector<std::uint16_t> kHomes = {0x1200, 0x1234, 0xff00};

const std::vector<Op> kWorkload = {
    {Kind::kPut, kA, 10, 100},     {Kind::kPut, kB, 10, 0},       {Kind::kPut, kA, 20, 5000},  // overwrite
    {Kind::kRemove, kA, 30},                                                                   // delete
    {Kind::kForget, kA, 30},        // the tombstone's time is over: what it had deleted stays deleted
    {Kind::kPut, kC, 10, 300'000},  // several blocks and buffers
    {Kind::kPut, kB, 20, 65'536},   // overwrite
    {Kind::kForget, kB, 20},        // a leftover of an unacknowledged write ...
    {Kind::kPut, kB, 15, 70},       // ... gives way to the older truth
    {Kind::kRemove, kD, 10},        // delete of what was never here
    {Kind::kPut, kA, 40, 4096},    {Kind::kPut, kC, 10, 300'000},  // a repeat
    {Kind::kForget, kC, 5},                                        // of another revision: nothing to do
    {Kind::kPut, kD, 20, 1},                                       // new after a delete
};

/// For each object the states that may be found from now on.
class Model {
 public:
  Model() {
    for (const ObjectId& id : kIds) allowed_[id] = {Seen{}};
  }
  void acknowledged(const Op& op) {
    std::set<Seen>& allowed = allowed_[op.id];
    if (op.kind != Kind::kForget) {
      allowed = {op.outcome()};
    } else if (now(op.id).revision == op.revision) {
      // A forget may be lost, but nothing older than what it forgot may come back.
      allowed = {Seen{}, now(op.id)};
    }
    if (op.kind != Kind::kForget || now(op.id).revision == op.revision) now_[op.id] = op.outcome();
  }
  void in_doubt(const Op& op) {
    if (op.kind == Kind::kForget && now(op.id).revision != op.revision) return;
    allowed_[op.id].insert(op.outcome());
  }
  [[nodiscard]] bool allows(const ObjectId& id, const Seen& seen) const { return allowed_.at(id).contains(seen); }
  /// As the running store must show it, when all that was tried was either acknowledged or without effect.
  [[nodiscard]] Seen now(const ObjectId& id) const {
    const auto found = now_.find(id);
    return found == now_.end() ? Seen{} : found->second;
  }
  /// What was seen after a start stays.
  void settle(const ObjectId& id, const Seen& seen) { allowed_[id] = {seen}; }

 private:
  std::map<ObjectId, std::set<Seen>> allowed_;
  std::map<ObjectId, Seen> now_;
};

Status apply(ObjectStore& store, const Op& op) {
  switch (op.kind) {
    case Kind::kPut: {
      const Result<ObjectMeta> meta = testing::put(store, op.id, op.revision, body(op.outcome().seed, op.size));
      return meta ? Status() : Status(meta.error());
    }
    case Kind::kRemove: {
      const Result<ObjectMeta> meta = testing::remove(store, op.id, op.revision);
      return meta ? Status() : Status(meta.error());
    }
    case Kind::kForget:
      break;
  }
  return store.forget(op.id, Revision{op.revision});
}

/// The state of `id`; its bytes are compared with what its revision must have.
Seen look(ObjectStore& store, const ObjectId& id) {
  const std::optional<IndexEntry> entry = store.find(id);
  if (!entry) {
    REQUIRE(store.open(id).error().code() == Errc::kNotFound);
    return {};
  }
  REQUIRE_FALSE(entry->corrupt);
  if (entry->tombstone) {
    REQUIRE(testing::get(store, id).error().code() == Errc::kNotFound);
    return {.revision = entry->revision.value, .tombstone = true};
  }
  const Seen seen{.revision = entry->revision.value,
                  .seed = entry->revision.value * 1000 + id.low,
                  .size = static_cast<std::size_t>(entry->size)};
  const auto bytes = testing::get(store, id);
  REQUIRE(bytes);
  REQUIRE(*bytes == body(seen.seed, seen.size));
  return seen;
}

FileStoreOptions options() {
  return {.scan_threads = 1, .on_corrupt = [](const std::string& file, const std::string& reason) {
            FAIL(file << " reported corrupt: " << reason);
          }};
}

/// Opens the store on a disk that works, checks it against `model` and returns what is there.
std::map<ObjectId, Seen> reopen(MemoryFileSystem& fs, const Model& model) {
  auto store = open_file_store(fs, "/data/store", options());
  REQUIRE(store);
  testing::require_consistent(**store, kHomes);
  std::map<ObjectId, Seen> all;
  for (const ObjectId& id : kIds) {
    const Seen seen = look(**store, id);
    INFO(to_string(id) << " at revision " << seen.revision << (seen.tombstone ? ", deleted" : ""));
    REQUIRE(model.allows(id, seen));
    all[id] = seen;
  }
  REQUIRE(fs.list("/data/store/objects/tmp")->empty());
  REQUIRE(fs.list("/data/store/objects/corrupt")->empty());
  return all;
}

/// Runs the workload until it is through or the power is off.
void run_until_power_off(MemoryFileSystem& fs, Model& model) {
  auto store = open_file_store(fs, "/data/store", {.scan_threads = 1});
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

std::unique_ptr<MemoryFileSystem> fresh_disk() {
  auto fs = std::make_unique<MemoryFileSystem>();
  REQUIRE(fs->make_directory("/data"));
  REQUIRE(fs->sync_directory("/"));
  return fs;
}

std::uint64_t calls_of_workload() {
  const auto fs = fresh_disk();
  Model model;
  run_until_power_off(*fs, model);
  for (const ObjectId& id : kIds) REQUIRE(model.allows(id, model.now(id)));
  return fs->calls();
}

TEST_CASE("a power cut at any call loses nothing that was acknowledged and shows nothing half") {
  const std::uint64_t calls = calls_of_workload();
  REQUIRE(calls > 100);
  REQUIRE(calls < 2000);
  for (std::uint64_t call = 0; call <= calls; ++call) {
    for (std::uint64_t variant = 0; variant < 6; ++variant) {
      INFO("power off at call " << call << ", variant " << variant);
      const auto fs = fresh_disk();
      fs->fail_at(call + 2, Fault::kPowerOff);  // fresh_disk takes two calls
      Model model;
      run_until_power_off(*fs, model);
      Prng prng(call * 100 + variant);
      if (variant == 0) fs->crash([](std::size_t) { return Kept::kLost; });
      if (variant == 1) fs->crash([](std::size_t) { return Kept::kWhole; });
      if (variant >= 2) fs->crash(prng);
      const std::map<ObjectId, Seen> first = reopen(*fs, model);
      // What a start has shown stays, whatever comes.
      fs->crash([](std::size_t) { return Kept::kLost; });
      REQUIRE(reopen(*fs, model) == first);
    }
  }
}

TEST_CASE("what a start shows after the process was killed survives a power cut that follows") {
  const std::uint64_t calls = calls_of_workload();
  for (std::uint64_t call = 0; call <= calls; ++call) {
    INFO("killed at call " << call);
    const auto fs = fresh_disk();
    fs->fail_at(call + 2, Fault::kPowerOff);
    Model model;
    run_until_power_off(*fs, model);
    fs->heal();  // the kernel goes on with all that it was told
    const std::map<ObjectId, Seen> first = reopen(*fs, model);
    for (const auto& [id, seen] : first) model.settle(id, seen);
    Prng prng(call);
    fs->crash(prng);
    reopen(*fs, model);
  }
}

TEST_CASE("an error at any call leaves the store whole") {
  const Fault fault = GENERATE(Fault::kNoSpace, Fault::kIo, Fault::kShortWrite);
  const std::uint64_t calls = calls_of_workload();
  for (std::uint64_t call = 0; call <= calls; ++call) {
    INFO("fault " << static_cast<int>(fault) << " at call " << call);
    const auto fs = fresh_disk();
    fs->fail_at(call + 2, fault);
    Model model;
    {
      auto store = open_file_store(*fs, "/data/store", {.scan_threads = 1});
      if (!store) {
        REQUIRE(fault != Fault::kShortWrite);
        // What a failed sync of a directory has lost, only a new start of the machine brings to light.
        fs->crash([](std::size_t) { return Kept::kLost; });
        store = open_file_store(*fs, "/data/store", {.scan_threads = 1});
        REQUIRE(store);
      }
      for (const Op& op : kWorkload) {
        const bool had_failed = (*store)->failed().has_value();
        const Status done = apply(**store, op);
        if (done) {
          REQUIRE_FALSE(had_failed);
          model.acknowledged(op);
          continue;
        }
        const Errc code = done.error().code();
        INFO(done.error().detail());
        REQUIRE(fault != Fault::kShortWrite);
        // A leftover that could not be removed, found by what comes next, is a failure of the disk as well.
        if (code == Errc::kIo) {
          REQUIRE((*store)->failed());
          if (!had_failed) model.in_doubt(op);
          // What may vanish is not shown: readers still get what was before.
          const std::optional<IndexEntry> entry = (*store)->find(op.id);
          if (!(entry && entry->corrupt)) REQUIRE((entry ? entry->revision.value : 0) == model.now(op.id).revision);
        } else {
          REQUIRE(code == Errc::kNoSpace);
          REQUIRE(fault == Fault::kNoSpace);
          REQUIRE_FALSE((*store)->failed());
          REQUIRE(look(**store, op.id) == model.now(op.id));
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
    reopen(*fs, model);
  }
}

TEST_CASE("what a start has cleared away does not come back when its successor is forgotten") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto fs = fresh_disk();
    auto store = open_file_store(*fs, "/data/store", options());
    REQUIRE(testing::put(**store, kA, 10, body(1, 100)));
    REQUIRE(testing::remove(**store, kA, 20));
    store->reset();
    fs->crash([](std::size_t) { return Kept::kLost; });  // the old file's removal is lost: both are there
    REQUIRE(fs->list("/data/store/objects/12")->size() == 2);
    store = open_file_store(*fs, "/data/store", options());
    REQUIRE((*store)->find(kA)->tombstone);
    REQUIRE((*store)->forget(kA, Revision{20}));
    store->reset();
    Prng prng(seed);
    fs->crash(prng);
    store = open_file_store(*fs, "/data/store", options());
    const auto entry = (*store)->find(kA);
    REQUIRE((!entry || entry->tombstone));
  }
}

TEST_CASE("the bytes of a finished object are on disk before it is committed") {
  const auto fs = fresh_disk();
  auto store = open_file_store(*fs, "/data/store", options());
  const std::size_t before = fs->volatile_changes();
  auto staged = (*store)->stage(kA, "key", 0);
  REQUIRE(fs->volatile_changes() == before + 1);  // the temporary name, which may get lost
  REQUIRE((*staged)->write(body(1, 300'000)));
  REQUIRE((*staged)->finish());
  REQUIRE(fs->volatile_changes() == before + 1);
}

TEST_CASE("a disk that stays full refuses puts, and takes deletes as long as it can") {
  const auto fs = fresh_disk();
  auto store = open_file_store(*fs, "/data/store", options());
  REQUIRE(testing::put(**store, kA, 10, body(1, 100)));
  fs->set_free_bytes(std::uint64_t{64} << 20);
  REQUIRE(testing::put(**store, kB, 10, body(2, 100)).error().code() == Errc::kNoSpace);
  REQUIRE(testing::remove(**store, kA, 20));
  fs->fail_from_now(Fault::kNoSpace);
  REQUIRE(testing::remove(**store, kC, 10).error().code() == Errc::kNoSpace);
  REQUIRE_FALSE((*store)->failed());
  fs->heal();
  fs->set_free_bytes(std::uint64_t{1} << 30);
  REQUIRE(testing::put(**store, kB, 10, body(2, 100)));
}

TEST_CASE("an upload of unknown length stops at the reserve") {
  const auto fs = fresh_disk();
  auto store = open_file_store(*fs, "/data/store", options());
  auto staged = (*store)->stage(kA, "key", 0);
  REQUIRE(staged);
  const testing::Body megabyte = body(1, 1 << 20);
  fs->set_free_bytes(1000);
  Status written;
  for (int i = 0; i < 20 && written; ++i) written = (*staged)->write(megabyte);
  REQUIRE(written.error().code() == Errc::kNoSpace);
  REQUIRE((*staged)->finish().error().code() == Errc::kNoSpace);
  staged->reset();
  REQUIRE(fs->list("/data/store/objects/tmp")->empty());
}

}  // namespace
}  // namespace brigade::store
