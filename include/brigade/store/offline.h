// Looks into the store of a node that is stopped.  Source: design §6: it can be rebuilt from its files alone.
// Concept: check and dump read what a start would read, by the same code, and change nothing. rebuild_index starts the
//          store from its segments alone and writes the index snapshot anew. `dir` is what open_segment_store takes.
//          Nobody may have the store open meanwhile: whoever calls holds the data directory's lock.
// Thread:  the caller's; they take as long as reading everything takes.
// Errors:  kNotFound: there is no store in `dir`. kIo, kOverloaded, kNoSpace: nothing can be said.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/store/file_system.h"

namespace brigade::store {

/// What is being done, and how far it is, in bytes.
using OfflineProgress = std::function<void(std::string_view what, std::uint64_t done, std::uint64_t total)>;

/// Something that is not as it was written.
struct Damage {
  std::string file;
  std::uint64_t offset = 0;
  std::string reason;
  std::string key;  ///< of the object, empty if it is not known
};

struct CheckReport {
  std::vector<Damage> damage;  ///< in the order in which it was found
  std::uint64_t segments = 0;
  std::uint64_t records = 0;  ///< that could be read, superseded ones too
  std::uint64_t objects = 0;  ///< live
  std::uint64_t tombstones = 0;
  std::uint64_t large_files = 0;  ///< of live objects
  std::uint64_t bytes = 0;        ///< read and verified
  bool has_snapshot = false;      ///< of the index: compared with what the segments say
};
/// Reads every record and large file, verifies all checksums, and compares the segments with the index snapshot.
Result<CheckReport> check_store(FileSystem& file_system, const std::string& dir, const OfflineProgress& progress);

enum class RecordState : std::uint8_t {
  kLive,
  kTombstone,   ///< says that the object is deleted
  kSuperseded,  ///< does not count any more
  kForget,      ///< says that nothing is known of the object
  kLost,        ///< stands for a record that was found damaged
  kDamaged,     ///< only its end can be read
};
std::string_view name_of(RecordState state);

struct DumpedRecord {
  std::string key;  ///< empty if it is not known
  ObjectId id;
  Revision revision;
  std::uint8_t level = 0;
  std::uint64_t size = 0;
  std::uint64_t lsn = 0;
  std::string file;          ///< the segment's
  std::uint64_t offset = 0;  ///< of the record in it
  std::string body_file;     ///< of a large object
  RecordState state = RecordState::kLive;
};
/// Calls `on_record` for every record, segment by segment; with `only`, for that object's. What is damaged is left out,
/// but for what is still known of it.
Status dump_store(FileSystem& file_system, const std::string& dir, const std::optional<ObjectId>& only,
                  const std::function<void(const DumpedRecord&)>& on_record, const OfflineProgress& progress);

struct RebuildReport {
  std::vector<Damage> damage;  ///< found on the way
  std::uint64_t segments = 0;
  std::uint64_t objects = 0;
  std::uint64_t tombstones = 0;
};
/// Puts a new index snapshot, made from the segments, in the place of the one that is there. What only that one knew
/// (objects whose records are damaged beyond recognition) is forgotten: siblings bring it back.
Result<RebuildReport> rebuild_index(FileSystem& file_system, const std::string& dir, const OfflineProgress& progress);

}  // namespace brigade::store
