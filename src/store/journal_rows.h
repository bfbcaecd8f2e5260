// The journal's tables: what stands in them, and whether it can be trusted.  Source: proto/README.md, "Journal".
// Concept: every row has a checksum over all of its columns. Rows of `meta` must be whole; the log ends before the
// first
//          entry that is not, and a snapshot that is not takes the log with it.
// Thread:  one owner, as the database.
#pragma once

#include "sqlite.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/store/journal.h"
#include "brigade/wire/transaction.h"

namespace brigade::store {

inline constexpr std::uint64_t kJournalApplicationId = 0x4252474a;  // "BRGJ"

/// Makes the tables in an empty database, with application id and version.
Status make_journal_tables(Database& database, std::uint32_t version);
/// Errors: kConflict: a program that speaks up to `speaks` does not read `version`.
Status check_version(std::uint32_t version, std::uint32_t speaks);
/// For a program that speaks up to `speaks`. Errors: kCorrupt (not a journal), kConflict (of a version that it does not
/// read).
Status check_journal_version(Database& database, std::uint32_t speaks);

struct JournalContents {
  JournalState state;                ///< incarnation as it stands on disk
  std::optional<Seq> cut_from;       ///< rows of the log from here on are unusable
  bool snapshot_damaged = false;     ///< the row is there and unusable
  std::optional<Seq> damaged_until;  ///< entries up to here were once in the log, and some of them are lost
};
/// Reads all. Errors: kCorrupt, kIo, kConflict.
Result<JournalContents> read_journal(Database& database, std::uint32_t speaks);

Status put_identity(Database& database, const Identity& identity);
Status put_incarnation(Database& database, Incarnation incarnation);
Status put_promise(Database& database, const Epoch& promised);
Status put_commit(Database& database, Seq commit);
/// Nothing: the log is whole again.
Status put_damaged_until(Database& database, std::optional<Seq> seq);
/// The journal has the snapshot's version from now on.
Status put_snapshot(Database& database, const wire::Snapshot& snapshot);
Status remove_snapshot(Database& database);
/// An entry that raises the protocol version raises the journal's.
Status put_entries(Database& database, const std::vector<wire::LogEntry>& entries);
Status remove_entries_from(Database& database, Seq from);
Status remove_entries_through(Database& database, Seq through);

}  // namespace brigade::store
