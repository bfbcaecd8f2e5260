// Entries and snapshots that follow from their position, and a journal to damage.
#pragma once

#include "support.h"

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "brigade/store/journal.h"

namespace brigade::store::testing {

inline const Identity kIdentity{ClusterId{0x11}, NodeId{0x22}, StoreId{0x33}};

inline Epoch epoch(std::uint64_t counter) {
  return {counter, NodeId{0x22}};
}

/// What follows from its position: any entry can be checked without a copy.
inline wire::LogEntry entry(std::uint64_t seq, std::uint64_t counter = 1) {
  return {epoch(counter), Seq{seq},
          wire::SettingChanged{"grace", std::to_string(counter) + "h" + std::string(seq % 50, 'x')}};
}

inline std::vector<wire::LogEntry> entries(std::uint64_t first, std::uint64_t last, std::uint64_t counter = 1) {
  std::vector<wire::LogEntry> all;
  for (std::uint64_t seq = first; seq <= last; ++seq) all.push_back(entry(seq, counter));
  return all;
}

inline wire::Snapshot snapshot(std::uint64_t last) {
  wire::Snapshot result{.cluster = kIdentity.cluster, .last = {epoch(1), Seq{last}}};
  result.roster.push_back({.node = {.id = kIdentity.node,
                                    .name = "n1",
                                    .client = "127.0.0.1:8080",
                                    .peer = "127.0.0.1:8081",
                                    .store = kIdentity.store},
                           .incarnation = Incarnation{1},
                           .up = true,
                           .added = Seq{1},
                           .changed = Seq{1}});
  result.roster_seq = Seq{1};
  result.view = Seq{1};
  result.cells.resize(kBucketCount);
  result.cells[7].owner = kIdentity.node;
  result.cells[7].state = wire::BucketState::kServing;
  result.cells[7].in_sync = true;
  result.cells[7].assigned = Seq{last};
  result.settings["grace"] = "1h";
  return result;
}

/// A journal in a directory of its own.
struct JournalFixture {
  TempDir dir;
  std::string path = dir.path("journal.db");
  std::unique_ptr<Journal> journal;
  JournalState state;

  JournalFixture() { REQUIRE(Journal::create(path, kIdentity, std::nullopt)); }
  void open() {
    journal.reset();
    auto opened = Journal::open(path);
    if (!opened) FAIL(opened.error().detail());
    journal = std::move(*opened);
    state = journal->take_state();
  }
  /// Past the journal, as a failing disk would.
  void sql(const std::string& text) {
    journal.reset();
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    const int result = sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr);
    INFO(sqlite3_errmsg(db));
    REQUIRE(result == SQLITE_OK);
    REQUIRE(sqlite3_changes(db) <= 1);
    sqlite3_close(db);
  }
};

inline std::string file_bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace brigade::store::testing
