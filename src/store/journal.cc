#include "brigade/store/journal.h"

#include "journal_rows.h"
#include "sqlite.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/store/file_system.h"

namespace brigade::store {
namespace {

Error named(const std::string& path, const Error& error) {
  return {error.code(), path + ": " + error.detail()};
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

/// SQLite would begin a write-ahead log, be it an empty one; so where there is none, the head of the file is looked at
/// first (sqlite.org/fileformat2: the user version at 60, the application id at 68, big-endian). What is wrong with it
/// otherwise is SQLite's to say.
Status check_head(const std::string& path, std::uint32_t speaks) {
  if (exists(path + "-wal")) return {};
  std::array<char, 72> head{};
  if (!std::ifstream(path, std::ios::binary).read(head.data(), head.size())) return {};
  const auto number_at = [&head](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<unsigned char>(head[i]);
    return value;
  };
  const std::uint32_t version = number_at(60);
  if (number_at(68) != kJournalApplicationId || version == 0) return {};
  return check_version(version, speaks);
}

/// Opens and checks without writing. The lock is taken with the first read and held until the database is closed.
Result<Database> open_checked(const std::string& path, std::uint32_t speaks) {
  if (!exists(path)) return Error(Errc::kNotFound, "there is no journal at " + path);
  if (Status ok = check_head(path, speaks); !ok) return named(path, ok.error());
  Result<Database> database = Database::open(path, Database::Mode::kExisting);
  if (!database) return named(path, database.error());
  // Exclusive before the first access: no shared-memory file, and nobody else gets in.
  Status ok =
      database->execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF");
  if (ok) ok = check_journal_version(*database, speaks);
  if (!ok) return named(path, ok.error());
  return database;
}

class SqliteJournal final : public Journal {
 public:
  SqliteJournal(std::string path, Database database) : path_(std::move(path)), database_(std::move(database)) {}
  ~SqliteJournal() override {
    // What was not flushed was promised to nobody.
    if (in_transaction_) static_cast<void>(database_.execute("ROLLBACK"));
  }

  Status start(std::uint32_t speaks);
  JournalState take_state() override { return std::move(state_); }
  Status set_promise(const Epoch& promised) override;
  Status append(const std::vector<wire::LogEntry>& entries) override;
  Status truncate_from(Seq from) override;
  Status set_commit(Seq commit) override;
  Status install_snapshot(const wire::Snapshot& snapshot) override;
  Status flush() override;

 private:
  /// Begins a transaction if none is open.
  Status begin();
  /// The first error is final; what was done since the last flush is lost.
  Status keep(const Status& status);
  /// Brings tables in line with what read_journal found usable, and raises the incarnation.
  Status settle(const JournalContents& contents);

  std::string path_;
  Database database_;
  JournalState state_;
  Epoch promised_;
  Seq last_;                   // end of the log
  Seq snapshot_last_;          // the log starts above it
  std::optional<Seq> commit_;  // not yet written
  std::optional<Seq> damaged_until_;
  bool in_transaction_ = false;
  std::optional<Error> failed_;
};

Status SqliteJournal::start(std::uint32_t speaks) {
  // Durable at each commit. The write-ahead log makes that one fsync instead of three.
  Status ok =
      database_.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216");
  if (!ok) return ok;
  Result<JournalContents> contents = Error(Errc::kInternal);
  if (ok = begin(); !ok) return ok;
  contents = read_journal(database_, speaks);
  if (!contents) return contents.error();
  if (ok = settle(*contents); !ok) return ok;
  state_ = std::move(contents->state);
  state_.incarnation.value += 1;
  promised_ = state_.promised;
  snapshot_last_ = state_.snapshot ? state_.snapshot->last.seq : Seq{};
  last_ = state_.log.empty() ? snapshot_last_ : state_.log.back().seq;
  damaged_until_ = contents->damaged_until;
  if (ok = flush(); !ok) return ok;
  database_.checkpoint_on_close();
  return {};
}

Status SqliteJournal::settle(const JournalContents& contents) {
  if (Status ok = put_incarnation(database_, Incarnation{contents.state.incarnation.value + 1}); !ok) return ok;
  if (contents.snapshot_damaged)
    if (Status ok = remove_snapshot(database_); !ok) return ok;
  if (!contents.cut_from) return {};
  // That something is missing must be known until it is here again, however often the node restarts.
  if (Status ok = put_damaged_until(database_, contents.damaged_until); !ok) return ok;
  if (Status ok = put_commit(database_, contents.state.commit); !ok) return ok;
  return remove_entries_from(database_, *contents.cut_from);
}

Status SqliteJournal::begin() {
  if (failed_) return *failed_;
  if (in_transaction_) return {};
  Status ok = database_.execute("BEGIN IMMEDIATE");
  if (!ok) return ok;
  in_transaction_ = true;
  return {};
}

Status SqliteJournal::keep(const Status& status) {
  if (status || failed_) return status;
  const Errc code = status.error().code() == Errc::kNoSpace ? Errc::kNoSpace : Errc::kIo;
  failed_ = named(path_, {code, status.error().detail()});
  return *failed_;
}

Status SqliteJournal::set_promise(const Epoch& promised) {
  BRIGADE_CHECK(promised > promised_,
                "a promise must rise: " << to_string(promised) << " after " << to_string(promised_));
  Status ok = begin();
  if (ok) ok = put_promise(database_, promised);
  if (ok) promised_ = promised;
  return keep(ok);
}

Status SqliteJournal::append(const std::vector<wire::LogEntry>& entries) {
  if (entries.empty()) return failed_ ? Status(*failed_) : Status();
  const Seq first = entries.front().seq;
  BRIGADE_CHECK(first > snapshot_last_ && first <= next(last_),
                "entry " << to_string(first) << " does not follow on log " << to_string(snapshot_last_) << ".."
                         << to_string(last_));
  for (std::size_t i = 0; i < entries.size(); ++i)
    BRIGADE_CHECK(entries[i].seq.value == first.value + i, "a hole before entry " << to_string(entries[i].seq));
  Status ok = begin();
  if (ok && first <= last_) ok = remove_entries_from(database_, first);
  if (ok) ok = put_entries(database_, entries);
  if (ok) last_ = entries.back().seq;
  return keep(ok);
}

Status SqliteJournal::truncate_from(Seq from) {
  BRIGADE_CHECK(from > snapshot_last_, "entry " << to_string(from) << " is in the snapshot and can't be cut");
  if (from > last_) return failed_ ? Status(*failed_) : Status();
  Status ok = begin();
  if (ok) ok = remove_entries_from(database_, from);
  if (ok) last_ = previous(from);
  return keep(ok);
}

Status SqliteJournal::set_commit(Seq commit) {
  if (failed_) return *failed_;
  commit_ = commit;
  return {};
}

Status SqliteJournal::install_snapshot(const wire::Snapshot& snapshot) {
  BRIGADE_CHECK(snapshot.last.seq >= snapshot_last_, "a snapshot up to " << to_string(snapshot.last.seq)
                                                                         << " after one up to "
                                                                         << to_string(snapshot_last_));
  Status ok = begin();
  if (ok) ok = put_snapshot(database_, snapshot);
  if (ok) ok = remove_entries_through(database_, snapshot.last.seq);
  if (ok) {
    snapshot_last_ = snapshot.last.seq;
    last_ = std::max(last_, snapshot_last_);
  }
  return keep(ok);
}

Status SqliteJournal::flush() {
  if (failed_) return *failed_;
  const bool healed = damaged_until_ && last_ >= *damaged_until_;
  if (!in_transaction_ && !commit_ && !healed) return {};
  Status ok = begin();
  // Above its log a node knows nothing to be committed; at the next start it would look like a lost tail.
  if (ok && commit_) ok = put_commit(database_, std::min(*commit_, last_));
  if (ok && healed) ok = put_damaged_until(database_, std::nullopt);
  if (ok) ok = database_.execute("COMMIT");
  if (!ok) return keep(ok);
  in_transaction_ = false;
  commit_.reset();
  if (healed) damaged_until_.reset();
  return {};
}

}  // namespace

Status Journal::create(const std::string& path, const Identity& identity,
                       const std::optional<wire::Snapshot>& snapshot) {
  BRIGADE_CHECK(identity.cluster && identity.node && identity.store, "an identity has no zeros");
  BRIGADE_CHECK(!snapshot || snapshot->cluster == identity.cluster, "the snapshot is of another cluster");
  // A write-ahead log without its database would be played into the new one.
  for (const std::string& there : {path, path + "-wal", path + "-journal"})
    if (exists(there))
      return Error(Errc::kConflict, there + " exists already; choose another directory, or move it away");

  // Made under another name: nobody ever sees half of it.
  const std::string temporary = path + ".new";
  std::error_code ignored;
  for (const std::string& leftover : {temporary, temporary + "-journal"}) std::filesystem::remove(leftover, ignored);
  {
    Result<Database> database = Database::open(temporary, Database::Mode::kCreate);
    if (!database) return named(path, database.error());
    Status ok = database->execute("PRAGMA synchronous = EXTRA; BEGIN");
    if (ok) ok = make_journal_tables(*database, snapshot ? snapshot->version : wire::kProtocolVersion);
    if (ok) ok = put_identity(*database, identity);
    if (ok) ok = put_incarnation(*database, Incarnation{0});
    if (ok) ok = put_promise(*database, Epoch{});
    if (ok) ok = put_commit(*database, snapshot ? snapshot->last.seq : Seq{});
    if (ok && snapshot) ok = put_snapshot(*database, *snapshot);
    if (ok) ok = database->execute("COMMIT");
    if (!ok) return named(path, ok.error());
  }
  PosixFileSystem files;
  if (Status ok = files.rename(temporary, path); !ok) return ok;
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return files.sync_directory(parent.empty() ? "." : parent);
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, std::uint32_t speaks) {
  Result<Database> database = open_checked(path, speaks);
  if (!database) return database.error();
  auto journal = std::make_unique<SqliteJournal>(path, std::move(*database));
  if (Status ok = journal->start(speaks); !ok) return named(path, ok.error());
  return std::unique_ptr<Journal>(std::move(journal));
}

Result<JournalState> Journal::read(const std::string& path, std::uint32_t speaks) {
  Result<Database> database = open_checked(path, speaks);
  if (!database) return database.error();
  if (Status ok = database->execute("PRAGMA query_only = ON"); !ok) return named(path, ok.error());
  Result<JournalContents> contents = read_journal(*database, speaks);
  if (!contents) return named(path, contents.error());
  return std::move(contents->state);
}

}  // namespace brigade::store
