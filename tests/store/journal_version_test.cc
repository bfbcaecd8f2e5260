// The journal of a cluster that gets the next release.  Source: proto/README.md "Versions".
#include "journal_support.h"

#include <filesystem>

#include <catch2/catch.hpp>

namespace brigade::store {
namespace {

using testing::entries;
using testing::epoch;
using testing::file_bytes_of;
using testing::snapshot;
using testing::TempDir;
using Fixture = testing::JournalFixture;

constexpr std::uint32_t kNext = wire::kProtocolVersion + 1;

wire::LogEntry raised(Seq seq) {
  return {epoch(1), seq, wire::VersionRaised{kNext}};
}

}  // namespace

TEST_CASE_METHOD(Fixture, "an entry that raises the protocol version raises the journal's, with the flush") {
  open();
  REQUIRE(journal->append({raised(Seq{1})}));
  SECTION("flushed") {
    REQUIRE(journal->flush());
    journal.reset();
    const std::string before = file_bytes_of(path);
    CHECK(Journal::open(path).error().code() == Errc::kConflict);
    CHECK(Journal::read(path).error().detail().find(
              "the journal has version 2, and this program reads version 1: run a newer release") != std::string::npos);
    CHECK(file_bytes_of(path) == before);
    CHECK(testing::files_below(dir.path()).size() == 1);  // not even an empty write-ahead log
    CHECK(Journal::read(path, kNext).value().log == std::vector{raised(Seq{1})});
    CHECK(Journal::open(path, kNext));
  }
  SECTION("flushed, and killed") {
    REQUIRE(journal->flush());
    TempDir other;
    for (const char* file : {"journal.db", "journal.db-wal"}) std::filesystem::copy(dir.path(file), other.path(file));
    const std::string before = file_bytes_of(other.path("journal.db-wal"));
    REQUIRE_FALSE(before.empty());
    CHECK(Journal::read(other.path("journal.db")).error().code() == Errc::kConflict);
    CHECK(file_bytes_of(other.path("journal.db-wal")) == before);
    CHECK(testing::files_below(other.path()).size() == 2);
    CHECK(Journal::open(other.path("journal.db"), kNext));
  }
  SECTION("not flushed") {
    journal.reset();
    CHECK(Journal::open(path));
  }
}

TEST_CASE_METHOD(Fixture, "the journal has its snapshot's protocol version") {
  open();
  wire::Snapshot next = snapshot(5);
  next.version = kNext;
  REQUIRE(journal->install_snapshot(next));
  REQUIRE(journal->flush());
  journal.reset();
  CHECK(Journal::read(path).error().code() == Errc::kConflict);
  CHECK(Journal::read(path, kNext).value().snapshot == next);
  CHECK(Journal::read(path, kNext + 1).value().snapshot == next);
  CHECK(Journal::read(path, kNext + 2).error().detail().find("run the releases in between first") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "a program reads the journal of the release before, and leaves its version as it is") {
  {
    auto opened = Journal::open(path, kNext);
    REQUIRE(opened);
    REQUIRE((*opened)->append(entries(1, 3)));
    REQUIRE((*opened)->flush());
  }
  CHECK(Journal::open(path));
}

}  // namespace brigade::store
