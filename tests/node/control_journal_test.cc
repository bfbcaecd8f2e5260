// The journal thread, over a journal that the test holds in its hand.
#include "control_journal.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using namespace std::chrono_literals;

/// What happened, in order; the test waits for it.
class Record {
 public:
  void add(std::string what) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  /// All, once there are `count`.
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 30s, [&] { return all_.size() >= count; });
    return all_;
  }
  void hold(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }
  void wait_until_free() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 30s, [&] { return !held_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
  bool held_ = false;
};

class HeldJournal final : public store::Journal {
 public:
  HeldJournal(Record& record, bool fails) : record_(record), fails_(fails) {}
  ~HeldJournal() override { record_.add("closed"); }
  store::JournalState take_state() override { return {}; }
  Status set_promise(const Epoch& promised) override { return note("promise " + std::to_string(promised.counter)); }
  Status append(const std::vector<wire::LogEntry>& entries) override {
    return note("append " + to_string(entries.front().seq));
  }
  Status truncate_from(Seq from) override { return note("truncate " + to_string(from)); }
  Status set_commit(Seq commit) override { return note("commit " + to_string(commit)); }
  Status install_snapshot(const wire::Snapshot& snapshot) override {
    return note("install " + to_string(snapshot.last.seq));
  }
  Status flush() override {
    record_.add("flush");
    record_.wait_until_free();
    return fails_ ? Status(Error{Errc::kIo, "the disk is gone"}) : Status();
  }

 private:
  Status note(std::string what) {
    record_.add(std::move(what));
    return {};
  }
  Record& record_;
  bool fails_;
};

cluster::PersistBatch batch(std::uint64_t number, cluster::PersistOp op) {
  cluster::PersistBatch out{number, {}};
  out.ops.push_back(std::move(op));
  return out;
}

JournalWriter::Done into(Record& record) {
  return [&record](const Result<std::uint64_t>& done) {
    record.add(done ? "durable " + std::to_string(*done) : done.error().detail());
  };
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("all that waits for the disk becomes durable with one flush, in order") {
  Record record;
  JournalWriter writer(std::make_unique<HeldJournal>(record, false), into(record));
  record.hold(true);
  writer.submit(batch(1, cluster::SetPromise{Epoch{5, NodeId{1}}}));
  REQUIRE(record.wait_for(2) == Lines{"promise 5", "flush"});
  writer.submit(batch(2, cluster::TruncateFrom{Seq{8}}));
  writer.submit(batch(3, cluster::AppendEntries{{{Epoch{5, NodeId{1}}, Seq{8}, wire::NodeDown{NodeId{2}}}}}));
  writer.submit(batch(4, cluster::SetCommit{Seq{8}}));
  record.hold(false);
  CHECK(record.wait_for(8) ==
        Lines{"promise 5", "flush", "durable 1", "truncate 8", "append 8", "commit 8", "flush", "durable 4"});
}

TEST_CASE("a commit hint alone is not worth a flush, until the end") {
  Record record;
  JournalWriter writer(std::make_unique<HeldJournal>(record, false), into(record));
  writer.submit(batch(1, cluster::SetCommit{Seq{8}}));
  REQUIRE(record.wait_for(2) == Lines{"commit 8", "durable 1"});
  writer.stop();
  writer.stop();
  CHECK(record.wait_for(4) == Lines{"commit 8", "durable 1", "flush", "closed"});
}

TEST_CASE("what was submitted before the stop is written before the journal is closed") {
  Record record;
  JournalWriter writer(std::make_unique<HeldJournal>(record, false), into(record));
  record.hold(true);
  writer.submit(batch(1, cluster::SetPromise{Epoch{5, NodeId{1}}}));
  REQUIRE(record.wait_for(2).size() == 2);
  writer.submit(batch(2, cluster::SetPromise{Epoch{6, NodeId{1}}}));
  record.hold(false);
  writer.stop();
  CHECK(record.wait_for(8) ==
        Lines{"promise 5", "flush", "durable 1", "promise 6", "flush", "durable 2", "flush", "closed"});
}

TEST_CASE("after a failed flush nothing is written any more") {
  Record record;
  JournalWriter writer(std::make_unique<HeldJournal>(record, true), into(record));
  writer.submit(batch(1, cluster::SetPromise{Epoch{5, NodeId{1}}}));
  REQUIRE(record.wait_for(4) == Lines{"promise 5", "flush", "the disk is gone", "closed"});
  writer.submit(batch(2, cluster::SetPromise{Epoch{6, NodeId{1}}}));
  writer.stop();
  CHECK(record.wait_for(4).size() == 4);
}

}  // namespace brigade::node
