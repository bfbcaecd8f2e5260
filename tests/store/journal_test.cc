#include "brigade/store/journal.h"

#include "support.h"

#include <filesystem>
#include <fstream>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "brigade/base/prng.h"

namespace brigade::store {
namespace {

const Identity kIdentity{ClusterId{0x11}, NodeId{0x22}, StoreId{0x33}};

Epoch epoch(std::uint64_t counter) {
  return {counter, NodeId{0x22}};
}

/// What follows from its position: any entry can be checked without a copy.
wire::LogEntry entry(std::uint64_t seq, std::uint64_t counter = 1) {
  return {epoch(counter), Seq{seq},
          wire::SettingChanged{"grace", std::to_string(counter) + "h" + std::string(seq % 50, 'x')}};
}

std::vector<wire::LogEntry> entries(std::uint64_t first, std::uint64_t last, std::uint64_t counter = 1) {
  std::vector<wire::LogEntry> all;
  for (std::uint64_t seq = first; seq <= last; ++seq) all.push_back(entry(seq, counter));
  return all;
}

wire::Snapshot snapshot(std::uint64_t last) {
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

struct Fixture {
  testing::TempDir dir;
  std::string path = dir.path("journal.db");
  std::unique_ptr<Journal> journal;
  JournalState state;

  Fixture() { REQUIRE(Journal::create(path, kIdentity, std::nullopt)); }
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

std::string file_bytes_of(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST_CASE_METHOD(Fixture, "a new journal is empty and knows whose it is") {
  open();
  REQUIRE(state.identity == kIdentity);
  REQUIRE(state.incarnation == Incarnation{1});
  REQUIRE(state.promised == Epoch{});
  REQUIRE_FALSE(state.snapshot);
  REQUIRE(state.log.empty());
  REQUIRE(state.commit == Seq{});
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE_METHOD(Fixture, "a journal that exists is not made again, and one that doesn't is not opened") {
  REQUIRE(Journal::create(path, kIdentity, std::nullopt).error().code() == Errc::kConflict);
  REQUIRE(Journal::open(dir.path("none")).error().code() == Errc::kNotFound);
  REQUIRE(Journal::read(dir.path("none")).error().code() == Errc::kNotFound);
  REQUIRE_FALSE(std::filesystem::exists(dir.path("none")));
  std::filesystem::remove(path);
  std::ofstream(path + "-wal") << "left over";
  REQUIRE(Journal::create(path, kIdentity, std::nullopt).error().code() == Errc::kConflict);
  REQUIRE(Journal::create(dir.path("no/dir"), kIdentity, std::nullopt).error().code() == Errc::kIo);
}

TEST_CASE_METHOD(Fixture, "what was flushed is there at the next start, and each start is a new incarnation") {
  open();
  REQUIRE(journal->set_promise(epoch(3)));
  REQUIRE(journal->append(entries(1, 100)));
  REQUIRE(journal->append({}));
  REQUIRE(journal->set_commit(Seq{90}));
  REQUIRE(journal->flush());
  REQUIRE(journal->flush());
  for (std::uint64_t start = 2; start < 5; ++start) {
    open();
    REQUIRE(state.incarnation == Incarnation{start});
    REQUIRE(state.promised == epoch(3));
    REQUIRE(state.log == entries(1, 100));
    REQUIRE(state.commit == Seq{90});
    REQUIRE_FALSE(state.damaged);
  }
}

TEST_CASE_METHOD(Fixture, "what was not flushed is not there at the next start") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->set_promise(epoch(3)));
  REQUIRE(journal->append(entries(5, 20, 2)));
  REQUIRE(journal->install_snapshot(snapshot(8)));
  REQUIRE(journal->set_commit(Seq{9}));
  open();
  REQUIRE(state.promised == Epoch{});
  REQUIRE(state.log == entries(1, 10));
  REQUIRE_FALSE(state.snapshot);
  REQUIRE(state.commit == Seq{});
}

TEST_CASE_METHOD(Fixture, "an append replaces what stands at and above its first entry") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->append(entries(6, 7, 2)));
  REQUIRE(journal->flush());
  open();
  std::vector<wire::LogEntry> expected = entries(1, 5);
  expected.push_back(entry(6, 2));
  expected.push_back(entry(7, 2));
  REQUIRE(state.log == expected);
}

TEST_CASE_METHOD(Fixture, "a truncated log ends below the cut and goes on from there") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  REQUIRE(journal->truncate_from(Seq{11}));
  REQUIRE(journal->truncate_from(Seq{4}));
  REQUIRE(journal->append(entries(4, 5, 2)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.log.size() == 5);
  REQUIRE(state.log[2] == entry(3));
  REQUIRE(state.log[3] == entry(4, 2));
}

TEST_CASE_METHOD(Fixture, "a snapshot takes the place of the entries that it covers") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->install_snapshot(snapshot(6)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.snapshot == snapshot(6));
  REQUIRE(state.log == entries(7, 10));
  REQUIRE(state.commit == Seq{6});  // nothing else gets into a snapshot
  // One from elsewhere, far ahead of the log.
  REQUIRE(journal->install_snapshot(snapshot(500)));
  REQUIRE(journal->append(entries(501, 503)));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.snapshot == snapshot(500));
  REQUIRE(state.log == entries(501, 503));
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE("a joining node's journal starts with the snapshot that it was given") {
  const testing::TempDir dir;
  REQUIRE(Journal::create(dir.path("j"), kIdentity, snapshot(40)));
  const auto journal = Journal::open(dir.path("j"));
  REQUIRE(journal);
  const JournalState state = (*journal)->take_state();
  REQUIRE(state.snapshot == snapshot(40));
  REQUIRE(state.commit == Seq{40});
  REQUIRE((*journal)->append(entries(41, 42)));
  REQUIRE((*journal)->flush());
}

TEST_CASE_METHOD(Fixture, "a commit above the log's own end is not believed at the next start") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->set_commit(Seq{15}));
  REQUIRE(journal->flush());
  open();
  REQUIRE(state.commit == Seq{10});
  REQUIRE_FALSE(state.damaged);
}

TEST_CASE_METHOD(Fixture, "a second opener is refused, in this process and in another") {
  open();
  REQUIRE(Journal::open(path).error().code() == Errc::kConflict);
  REQUIRE(Journal::read(path).error().code() == Errc::kConflict);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto second = Journal::open(path);
    ::_exit(!second && second.error().code() == Errc::kConflict ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  REQUIRE(journal->append(entries(1, 2)));
  REQUIRE(journal->flush());
}

TEST_CASE_METHOD(Fixture, "reading for tools changes nothing") {
  open();
  REQUIRE(journal->append(entries(1, 10)));
  REQUIRE(journal->flush());
  // As a killed node leaves it: with a write-ahead log.
  std::filesystem::copy_file(path, dir.path("copy"));
  std::filesystem::copy_file(path + "-wal", dir.path("copy-wal"));
  const std::string before = file_bytes_of(dir.path("copy")) + file_bytes_of(dir.path("copy-wal"));
  for (int i = 0; i < 2; ++i) {
    const auto read = Journal::read(dir.path("copy"));
    REQUIRE(read);
    REQUIRE(read->log == entries(1, 10));
    REQUIRE(read->incarnation == Incarnation{1});
    REQUIRE(file_bytes_of(dir.path("copy")) + file_bytes_of(dir.path("copy-wal")) == before);
  }
}

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

TEST_CASE_METHOD(Fixture, "a node killed in the middle of writing loses nothing that was flushed") {
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    REQUIRE(::pipe(pipe_ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(pipe_ends[0]);
      auto opened = Journal::open(path);
      if (!opened) ::_exit(1);
      const JournalState found = (*opened)->take_state();
      std::uint64_t seq = found.log.size();
      for (;;) {
        if (!(*opened)->append(entries(seq + 1, seq + 3)) ||
            !(*opened)->set_promise({found.promised.counter + seq + 1, {}}))
          ::_exit(2);
        if (!(*opened)->flush()) ::_exit(3);
        seq += 3;
        if (::write(pipe_ends[1], &seq, sizeof seq) != sizeof seq) ::_exit(4);
      }
    }
    ::close(pipe_ends[1]);
    std::uint64_t flushed = 0;
    for (int i = 0; i < 20 + round; ++i) REQUIRE(::read(pipe_ends[0], &flushed, sizeof flushed) == sizeof flushed);
    REQUIRE(::kill(child, SIGKILL) == 0);
    std::uint64_t later = 0;
    while (::read(pipe_ends[0], &later, sizeof later) == sizeof later) flushed = later;
    ::close(pipe_ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const auto read = Journal::read(path);
    REQUIRE(read);
    REQUIRE_FALSE(read->damaged);
    REQUIRE(read->log.size() >= flushed);
    REQUIRE(read->log == entries(1, read->log.size()));
    REQUIRE(read->promised.counter >= flushed - 2);
    REQUIRE(read->incarnation == Incarnation{static_cast<std::uint64_t>(round) + 1});
  }
}

TEST_CASE("a journal on a full disk says so and takes nothing more") {
  const testing::TempDir dir;
  REQUIRE(Journal::create(dir.path("j"), kIdentity, std::nullopt));
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto opened = Journal::open(dir.path("j"));
    if (!opened) ::_exit(1);
    const rlimit limit{200'000, 200'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(2);
    std::uint64_t seq = 1;
    Status ok;
    for (; ok && seq < 10'000; ++seq) {
      ok = (*opened)->append({entry(seq)});
      if (ok) ok = (*opened)->flush();
    }
    if (ok) ::_exit(3);
    const Errc code = ok.error().code();
    if (code != Errc::kNoSpace && code != Errc::kIo) ::_exit(4);
    ::_exit((*opened)->flush() || (*opened)->set_promise(epoch(9)) ? 5 : 0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 0);
  const auto read = Journal::read(dir.path("j"));
  REQUIRE(read);
  REQUIRE_FALSE(read->damaged);
  REQUIRE(read->log == entries(1, read->log.size()));
  REQUIRE_FALSE(read->log.empty());
}

}  // namespace
}  // namespace brigade::store
