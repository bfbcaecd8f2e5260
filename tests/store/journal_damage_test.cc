// What a journal says of itself after its file was damaged.
#include "journal_support.h"

#include <filesystem>

#include "brigade/base/prng.h"

namespace brigade::store {
namespace {

using testing::entries;
using testing::epoch;
using testing::file_bytes_of;
using testing::kIdentity;
using testing::snapshot;
using Fixture = testing::JournalFixture;

TEST_CASE_METHOD(Fixture, "a journal of a newer version is refused and left alone") {
  sql("PRAGMA user_version = 2");
  const std::string before = file_bytes_of(path);
  const auto opened = Journal::open(path);
  REQUIRE(opened.error().code() == Errc::kConflict);
  REQUIRE(opened.error().detail().find("version 2") != std::string::npos);
  REQUIRE(file_bytes_of(path) == before);
  REQUIRE(testing::files_below(dir.path()).size() == 1);
}

TEST_CASE_METHOD(Fixture, "what is not a journal is refused") {
  SECTION("another program's database") {
    sql("PRAGMA application_id = 1");
  }
  SECTION("a text") {
    std::filesystem::remove(path);
    std::ofstream(path) << std::string(10'000, 'x');
  }
  SECTION("an empty file") {
    std::filesystem::resize_file(path, 0);
  }
  REQUIRE(Journal::open(path).error().code() == Errc::kCorrupt);
  REQUIRE(Journal::read(path).error().code() == Errc::kCorrupt);
}

TEST_CASE_METHOD(Fixture, "without its identity, incarnation or promise a node does not go on") {
  const std::string key = GENERATE("identity", "incarnation", "promised", "commit");
  SECTION("damaged") {
    sql("UPDATE meta SET value = zeroblob(length(value)) || x'' WHERE key = '" + key +
        "'; "
        "UPDATE meta SET checksum = checksum + 1 WHERE key = '" +
        key + "'");
  }
  SECTION("gone") {
    sql("DELETE FROM meta WHERE key = '" + key + "'");
  }
  SECTION("of the wrong length") {
    sql("UPDATE meta SET value = x'00' WHERE key = '" + key + "'");
  }
  const auto opened = Journal::open(path);
  REQUIRE(opened.error().code() == Errc::kCorrupt);
  REQUIRE(opened.error().detail().find(key) != std::string::npos);
}

TEST_CASE_METHOD(Fixture,
                 "a log with damage in the middle ends before it, and that is remembered until it is whole again") {
  open();
  REQUIRE(journal->append(entries(1, 100)));
  REQUIRE(journal->set_commit(Seq{80}));
  REQUIRE(journal->flush());
  sql(GENERATE("UPDATE log SET payload = substr(payload, 1, 3) WHERE seq = 50",
               "UPDATE log SET epoch_counter = 7 WHERE seq = 50",
               "UPDATE log SET checksum = checksum + 1 WHERE seq = 50", "DELETE FROM log WHERE seq = 50",
               "UPDATE log SET seq = 5000 WHERE seq = 50"));
  for (int start = 0; start < 2; ++start) {
    open();
    REQUIRE(state.damaged);
    REQUIRE(state.log == entries(1, 49));
    REQUIRE(state.commit == Seq{49});
  }
  // Not whole yet.
  REQUIRE(journal->append(entries(50, 99)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.damaged);
  REQUIRE(state.log == entries(1, 99));
  SECTION("whole by a log that reaches as far again") {
    REQUIRE(journal->append(entries(100, 5000)));
  }
  SECTION("whole by a snapshot") {
    REQUIRE(journal->install_snapshot(snapshot(5000)));
  }
  REQUIRE(journal->flush());
  open();
  REQUIRE_FALSE(state.damaged);
  open();
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE_METHOD(Fixture, "a log whose committed tail is missing is damaged") {
  open();
  REQUIRE(journal->append(entries(1, 100)));
  REQUIRE(journal->set_commit(Seq{100}));
  REQUIRE(journal->flush());
  sql("DELETE FROM log WHERE seq = 100");
  open();
  REQUIRE(state.damaged);
  REQUIRE(state.log == entries(1, 99));
}

TEST_CASE_METHOD(Fixture, "without its snapshot a log claims nothing") {
  open();
  REQUIRE(journal->install_snapshot(snapshot(10)));
  REQUIRE(journal->append(entries(11, 20)));
  REQUIRE(journal->flush());
  SECTION("damaged") {
    sql("UPDATE snapshot SET payload = substr(payload, 2)");
  }
  SECTION("gone") {
    sql("DELETE FROM snapshot");
  }
  for (int start = 0; start < 2; ++start) {
    open();
    REQUIRE(state.damaged);
    REQUIRE_FALSE(state.snapshot);
    REQUIRE(state.log.empty());
    REQUIRE(state.commit == Seq{});
    REQUIRE(state.identity == kIdentity);
  }
  REQUIRE(journal->install_snapshot(snapshot(30)));
  REQUIRE(journal->flush());
  open();
  REQUIRE_FALSE(state.damaged);
  REQUIRE(state.snapshot == snapshot(30));
}

TEST_CASE_METHOD(Fixture, "no bit of the file can turn over and change an entry unnoticed") {
  open();
  REQUIRE(journal->set_promise(epoch(3)));
  REQUIRE(journal->append(entries(1, 100)));
  REQUIRE(journal->flush());
  journal.reset();
  const std::string good = dir.path("good");
  std::filesystem::copy_file(path, good);
  Prng prng(7);
  std::uint64_t noticed = 0;
  for (int round = 0; round < 400; ++round) {
    std::filesystem::copy_file(good, path, std::filesystem::copy_options::overwrite_existing);
    const std::uint64_t offset = prng.below(std::filesystem::file_size(path));
    testing::flip_bit(path, offset, static_cast<int>(prng.below(8)));
    INFO("offset " << offset);
    auto opened = Journal::open(path);
    if (!opened) {
      REQUIRE((opened.error().code() == Errc::kCorrupt || opened.error().code() == Errc::kConflict ||
               opened.error().code() == Errc::kIo));
      ++noticed;
      continue;
    }
    const JournalState got = (*opened)->take_state();
    REQUIRE(got.identity == kIdentity);
    REQUIRE(got.promised == epoch(3));
    REQUIRE(got.log == entries(1, got.log.size()));
    REQUIRE((got.damaged || got.log.size() == 100));
    if (got.damaged) ++noticed;
  }
  REQUIRE(noticed > 50);
}

}  // namespace
}  // namespace brigade::store
