#include "journal_rows.h"

#include "object_file.h"

#include <array>
#include <string>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/checksum.h"
#include "brigade/wire/codec.h"

namespace brigade::store {
namespace {

using wire::Bytes;

/// Checksum over the columns of a row; lengths are in it, so that no byte can change sides.
class RowChecksum {
 public:
  explicit RowChecksum(std::string_view table) { add(table); }
  RowChecksum& add(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    put_u64(bytes, value);
    stream_.update(bytes);
    return *this;
  }
  RowChecksum& add(std::span<const std::byte> bytes) {
    add(bytes.size());
    stream_.update(bytes);
    return *this;
  }
  RowChecksum& add(std::string_view text) { return add(std::as_bytes(std::span(text))); }
  [[nodiscard]] std::uint64_t value() const { return stream_.value(); }

 private:
  ChecksumStream stream_;
};

std::uint64_t meta_checksum(std::string_view key, std::span<const std::byte> value) {
  return RowChecksum("meta").add(key).add(value).value();
}
std::uint64_t snapshot_checksum(std::span<const std::byte> payload) {
  return RowChecksum("snapshot").add(payload).value();
}
std::uint64_t log_checksum(Seq seq, const Epoch& epoch, std::span<const std::byte> payload) {
  return RowChecksum("log").add(seq.value).add(epoch.counter).add(epoch.coordinator.value).add(payload).value();
}

Error damaged(const std::string& what) {
  return {Errc::kCorrupt, "the journal's " + what +
                              " is damaged; this node can't go on as itself: remove it from the cluster and bootstrap "
                              "it anew with an empty directory"};
}

/// Values in `meta` are rows of 64-bit integers.
template <std::size_t N>
Status put_meta(Database& database, std::string_view key, const std::array<std::uint64_t, N>& values) {
  std::array<std::byte, 8 * N> bytes{};
  for (std::size_t i = 0; i < N; ++i) put_u64(std::span(bytes).subspan(8 * i).template first<8>(), values[i]);
  Result<Statement> statement = database.prepare("INSERT OR REPLACE INTO meta(key, value, checksum) VALUES(?, ?, ?)");
  if (!statement) return statement.error();
  return statement->bind(key).bind(bytes).bind(meta_checksum(key, bytes)).run();
}

/// Errors: kNotFound, kCorrupt.
template <std::size_t N>
Result<std::array<std::uint64_t, N>> get_meta(Database& database, std::string_view key) {
  Result<Statement> statement = database.prepare("SELECT value, checksum FROM meta WHERE key = ?");
  if (!statement) return statement.error();
  const Result<bool> row = statement->bind(key).step();
  if (!row) return row.error();
  if (!*row) return Error(Errc::kNotFound, "the journal has no " + std::string(key));
  const std::vector<std::byte> bytes = statement->column_bytes(0);
  if (bytes.size() != 8 * N || statement->column_u64(1) != meta_checksum(key, bytes)) return damaged(std::string(key));
  std::array<std::uint64_t, N> values{};
  for (std::size_t i = 0; i < N; ++i)
    values[i] = get_u64(std::span<const std::byte>(bytes).subspan(8 * i).template first<8>());
  return values;
}

/// The same for values that every journal has.
template <std::size_t N>
Result<std::array<std::uint64_t, N>> require_meta(Database& database, std::string_view key) {
  auto values = get_meta<N>(database, key);
  if (!values && values.error().code() == Errc::kNotFound) return damaged(std::string(key));
  return values;
}

Status read_meta(Database& database, JournalContents& contents) {
  JournalState& state = contents.state;
  const auto identity = require_meta<3>(database, "identity");
  if (!identity) return identity.error();
  state.identity = {ClusterId{(*identity)[0]}, NodeId{(*identity)[1]}, StoreId{(*identity)[2]}};
  if (!state.identity.cluster || !state.identity.node || !state.identity.store) return damaged("identity");
  const auto incarnation = require_meta<1>(database, "incarnation");
  if (!incarnation) return incarnation.error();
  state.incarnation = Incarnation{(*incarnation)[0]};
  const auto promised = require_meta<2>(database, "promised");
  if (!promised) return promised.error();
  state.promised = {(*promised)[0], NodeId{(*promised)[1]}};
  const auto commit = require_meta<1>(database, "commit");
  if (!commit) return commit.error();
  state.commit = Seq{(*commit)[0]};
  const auto until = get_meta<1>(database, "damaged_until");
  if (!until && until.error().code() != Errc::kNotFound) return until.error();
  if (until) contents.damaged_until = Seq{(*until)[0]};
  return {};
}

Status put_version(Database& database, std::uint32_t version) {
  return database.execute("PRAGMA user_version = " + std::to_string(version));
}

Status read_snapshot(Database& database, JournalContents& contents, std::uint32_t speaks) {
  Result<Statement> statement = database.prepare("SELECT payload, checksum FROM snapshot WHERE id = 1");
  if (!statement) return statement.error();
  const Result<bool> row = statement->step();
  if (!row) return row.error();
  if (!*row) return {};
  const Bytes payload = statement->column_bytes(0);
  Result<wire::Snapshot> snapshot = Error(Errc::kCorrupt);
  if (statement->column_u64(1) == snapshot_checksum(payload)) snapshot = wire::decode_snapshot(payload, speaks);
  if (!snapshot) {
    contents.snapshot_damaged = true;
    return {};
  }
  if (snapshot->cluster != contents.state.identity.cluster)
    return Error(Errc::kCorrupt, "the journal's snapshot is of cluster " + to_string(snapshot->cluster) +
                                     ", its identity of cluster " + to_string(contents.state.identity.cluster));
  contents.state.snapshot = std::move(*snapshot);
  return {};
}

/// The row that `statement` stands on, if it can be trusted and is the entry with seq `expected`.
std::optional<wire::LogEntry> read_entry(const Statement& statement, Seq expected) {
  const Seq seq{statement.column_u64(0)};
  const Epoch epoch{statement.column_u64(1), NodeId{statement.column_u64(2)}};
  const Bytes payload = statement.column_bytes(3);
  if (seq != expected || statement.column_u64(4) != log_checksum(seq, epoch, payload)) return std::nullopt;
  Result<wire::Change> change = wire::decode_change(payload);
  if (!change) return std::nullopt;
  return wire::LogEntry{epoch, seq, std::move(*change)};
}

Status read_log(Database& database, JournalContents& contents) {
  JournalState& state = contents.state;
  Result<Statement> statement =
      database.prepare("SELECT seq, epoch_counter, epoch_coordinator, payload, checksum FROM log ORDER BY seq");
  if (!statement) return statement.error();
  Seq last = state.snapshot ? state.snapshot->last.seq : Seq{};
  if (contents.snapshot_damaged) contents.cut_from = Seq{};
  std::optional<Seq> highest;
  for (;;) {
    const Result<bool> row = statement->step();
    if (!row) return row.error();
    if (!*row) break;
    highest = Seq{statement->column_u64(0)};
    if (contents.cut_from) continue;
    std::optional<wire::LogEntry> entry = read_entry(*statement, next(last));
    if (entry) {
      last = entry->seq;
      state.log.push_back(std::move(*entry));
    } else {
      contents.cut_from = next(last);
    }
  }
  // What is known to have been there: all that was known committed, and all rows.
  std::optional<Seq>& until = contents.damaged_until;
  if (contents.cut_from) until = std::max({until.value_or(Seq{}), highest.value_or(Seq{}), state.commit});
  if (!contents.cut_from && state.commit > last) {
    contents.cut_from = next(last);
    until = std::max(until.value_or(Seq{}), state.commit);
  }
  state.damaged = until.has_value();
  state.commit = std::min(state.commit, last);
  if (state.snapshot) state.commit = std::max(state.commit, state.snapshot->last.seq);
  return {};
}

}  // namespace

Status make_journal_tables(Database& database, std::uint32_t version) {
  if (Status ok = put_version(database, version); !ok) return ok;
  return database.execute("PRAGMA application_id = " + std::to_string(kJournalApplicationId) +
                          ";"
                          "CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL, checksum INTEGER NOT NULL);"
                          "CREATE TABLE log(seq INTEGER PRIMARY KEY, epoch_counter INTEGER NOT NULL,"
                          " epoch_coordinator INTEGER NOT NULL, payload BLOB NOT NULL, checksum INTEGER NOT NULL);"
                          "CREATE TABLE snapshot(id INTEGER PRIMARY KEY CHECK(id = 1), payload BLOB NOT NULL,"
                          " checksum INTEGER NOT NULL);");
}

Status check_version(std::uint32_t version, std::uint32_t speaks) {
  if (wire::reads(speaks, version)) return {};
  return Error(Errc::kConflict, "the journal has " + wire::unreadable(speaks, version));
}

Status check_journal_version(Database& database, std::uint32_t speaks) {
  const Result<std::uint64_t> id = database.query_u64("PRAGMA application_id");
  if (!id) return id.error();
  if (*id != kJournalApplicationId)
    return Error(Errc::kCorrupt, "the file is not a Brigade journal, or its head is damaged");
  const Result<std::uint64_t> version = database.query_u64("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == 0) return Error(Errc::kCorrupt, "the journal's format version is missing");
  return check_version(static_cast<std::uint32_t>(*version), speaks);
}

Result<JournalContents> read_journal(Database& database, std::uint32_t speaks) {
  JournalContents contents;
  if (Status ok = read_meta(database, contents); !ok) return ok.error();
  if (Status ok = read_snapshot(database, contents, speaks); !ok) return ok.error();
  if (Status ok = read_log(database, contents); !ok) return ok.error();
  return contents;
}

Status put_identity(Database& database, const Identity& identity) {
  return put_meta<3>(database, "identity", {identity.cluster.value, identity.node.value, identity.store.value});
}
Status put_incarnation(Database& database, Incarnation incarnation) {
  return put_meta<1>(database, "incarnation", {incarnation.value});
}
Status put_promise(Database& database, const Epoch& promised) {
  return put_meta<2>(database, "promised", {promised.counter, promised.coordinator.value});
}
Status put_commit(Database& database, Seq commit) {
  return put_meta<1>(database, "commit", {commit.value});
}

Status put_damaged_until(Database& database, std::optional<Seq> seq) {
  if (seq) return put_meta<1>(database, "damaged_until", {seq->value});
  return database.execute("DELETE FROM meta WHERE key = 'damaged_until'");
}

Status put_snapshot(Database& database, const wire::Snapshot& snapshot) {
  const Bytes payload = wire::encode(snapshot);
  Result<Statement> statement =
      database.prepare("INSERT OR REPLACE INTO snapshot(id, payload, checksum) VALUES(1, ?, ?)");
  if (!statement) return statement.error();
  if (Status ok = statement->bind(payload).bind(snapshot_checksum(payload)).run(); !ok) return ok;
  return put_version(database, snapshot.version);
}

Status remove_snapshot(Database& database) {
  return database.execute("DELETE FROM snapshot");
}

Status put_entries(Database& database, const std::vector<wire::LogEntry>& entries) {
  Result<Statement> statement = database.prepare(
      "INSERT INTO log(seq, epoch_counter, epoch_coordinator, payload, checksum) VALUES(?, ?, ?, ?, ?)");
  if (!statement) return statement.error();
  for (const wire::LogEntry& entry : entries) {
    const Bytes payload = wire::encode(entry.change);
    const Status inserted = statement->bind(entry.seq.value)
                                .bind(entry.epoch.counter)
                                .bind(entry.epoch.coordinator.value)
                                .bind(payload)
                                .bind(log_checksum(entry.seq, entry.epoch, payload))
                                .run();
    if (!inserted) return inserted;
    if (const auto* raised = std::get_if<wire::VersionRaised>(&entry.change))
      if (Status ok = put_version(database, raised->version); !ok) return ok;
  }
  return {};
}

Status remove_entries_from(Database& database, Seq from) {
  Result<Statement> statement = database.prepare("DELETE FROM log WHERE seq >= ?");
  if (!statement) return statement.error();
  return statement->bind(from.value).run();
}

Status remove_entries_through(Database& database, Seq through) {
  Result<Statement> statement = database.prepare("DELETE FROM log WHERE seq <= ?");
  if (!statement) return statement.error();
  return statement->bind(through.value).run();
}

}  // namespace brigade::store
