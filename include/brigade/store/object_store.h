// Where a node keeps its objects.  Source: design §5 Promise, §6.
// Concept: objects by id, one record each. Writes are two-phase: stage (bytes to disk, invisible), then commit with the
//          revision that the primary gave, or roll back. Removing leaves a tombstone with a revision. A content index
//          by home bucket is in memory; digests per home bucket and level say what siblings share. Engines differ
//          behind this interface; the data plane knows only it.
// Thread:  any thread; calls may block on the disk, so the node calls them from its disk pool.
// Errors:  kNoSpace (disk full: nothing changed, reads go on), kIo (the disk failed: the store refuses all further
//          writes; the node must leave), kCorrupt (checksum: try a sibling), kStale (a higher revision is there),
//          kConflict (same id, other key: a collision).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"

namespace brigade::store {

/// What a record says of its object, all but the bytes.
struct ObjectMeta {
  ObjectId id;
  std::string key;
  Revision revision;
  std::uint8_t level = 1;      ///< log2 of the redundancy
  bool tombstone = false;      ///< deleted at `revision`; size is 0
  std::uint64_t size = 0;      ///< bytes of the body
  std::uint64_t checksum = 0;  ///< XXH3-64 of the body
  WallTime modified;
  std::string content_type;
  WallTime expires{};        ///< 0: never
  std::string user_headers;  ///< what the uploader gave to keep; opaque, at most 2 KiB
  bool operator==(const ObjectMeta&) const = default;
};

/// One line of the content index.
struct IndexEntry {
  ObjectId id;
  Revision revision;
  std::uint8_t level = 1;
  bool tombstone = false;
  std::uint64_t size = 0;
  /// Known to be damaged: open says kCorrupt, digests leave it out, and a commit of the same revision repairs it.
  bool corrupt = false;
  bool expires = false;  ///< at a time that the record says
  bool operator==(const IndexEntry&) const = default;
};

/// A revision that was replaced or deleted, and can still be had.
struct RetainedRevision {
  Revision revision;
  std::uint8_t level = 1;
  std::uint64_t size = 0;
  WallTime replaced;  ///< when it ceased to be the object
  bool operator==(const RetainedRevision&) const = default;
};

/// What commit needs beyond the bytes that were staged.
struct CommitInfo {
  Revision revision;
  std::uint8_t level = 1;
  WallTime modified;
  std::string content_type;
  WallTime expires{};
  std::string user_headers;
};

/// A write in progress. Dropping it without commit rolls it back. As long as there is room(), nothing but write() and
/// commit touches the disk.
class StagedObject {
 public:
  virtual ~StagedObject() = default;
  /// Memory for the next bytes of the body, valid until the next call; filled() appends as many as were put there.
  /// None if what follows goes to the disk: then write() takes it. Not after finish().
  virtual std::span<std::byte> room() = 0;
  virtual void filled(std::size_t bytes) = 0;
  /// Appends to the body. Not after finish().
  virtual Status write(std::span<const std::byte> bytes) = 0;
  /// The body is whole: its size and checksum are fixed. Nothing need be on disk yet: only commit makes durable.
  virtual Status finish() = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// Of the body so far; final after finish().
  [[nodiscard]] virtual std::uint64_t checksum() const = 0;
};

/// An open object: meta and bytes stay readable while this lives, whatever happens to the object meanwhile.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  [[nodiscard]] virtual const ObjectMeta& meta() const = 0;
  /// Reads up to buffer.size() bytes at `offset`; 0 at the end. Bytes are checked against per-block checksums before
  /// they are returned: kCorrupt rather than a wrong byte.
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer) = 0;
  /// The whole body, if it is in memory and checked: after the first read of a small object. Else nothing.
  [[nodiscard]] virtual std::span<const std::byte> in_memory() const { return {}; }
};

struct StoreStats {
  std::uint64_t objects = 0;  ///< live
  std::uint64_t tombstones = 0;
  std::uint64_t bytes = 0;     ///< of live bodies
  std::uint64_t corrupt = 0;   ///< records found damaged since start
  std::uint64_t damaged = 0;   ///< records that are damaged now: found, and not replaced yet
  std::uint64_t repaired = 0;  ///< damaged records that a good one has replaced since start
};

/// How far the present pass of a scrub is.
struct ScrubProgress {
  WallTime started;  ///< 0: no pass has begun yet
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  ///< as counted when the pass began
  std::uint64_t passes = 0;       ///< that ended since start
  std::uint64_t set_aside = 0;    ///< segments that are damaged and wait for their good records to be moved
};

/// What a step of maintenance did, and what is left.
struct MaintainResult {
  bool again = false;  ///< there is more to do now; otherwise look again after a while
  Duration rest{};     ///< not later than that, if it is not 0: something may go on then
  std::string did;     ///< in a few words; empty: nothing
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// Begins a write of `key`, invisible until commit. `size_hint` is the declared length, 0 if unknown. Does not wait
  /// for the disk.
  virtual Result<std::unique_ptr<StagedObject>> stage(const ObjectId& id, std::string_view key,
                                                      std::uint64_t size_hint) = 0;
  /// Gets what a commit came to, once; on the caller's thread or on another's, so it must neither block nor call back.
  using Done = std::function<void(Result<ObjectMeta>)>;
  /// What is left to be done, for a thread that may block; empty if nothing is.
  using Work = std::function<void()>;

  /// Makes a finished staged object the object, durably, before it returns. Errors: kStale if the present revision is
  /// not lower (equal revision and checksum: success, nothing done), kConflict on a collision.
  virtual Result<ObjectMeta> commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info) = 0;
  /// Puts a tombstone, durably. Errors as commit's. There need be no object.
  virtual Result<ObjectMeta> remove(const ObjectId& id, std::string_view key, const CommitInfo& info) = 0;
  /// The same without waiting for anything: `done` gets the result, once the caller has seen to the work that is
  /// returned. That may be writing others' commits, too, and there is none if another thread is at it already.
  [[nodiscard]] virtual Work commit(std::unique_ptr<StagedObject> staged, const CommitInfo& info, Done done) = 0;
  [[nodiscard]] virtual Work remove(const ObjectId& id, std::string_view key, const CommitInfo& info, Done done) = 0;
  /// Forgets the record, object or tombstone, if it still has `revision`: no tombstone remains. For garbage that the
  /// map no longer places here and for leftovers that an in-sync sibling does not know.
  virtual Status forget(const ObjectId& id, Revision revision) = 0;
  /// The highest revision of all that was forgotten since start, by forget() or because it had expired. Whoever gives
  /// revisions gives none up to it under the same map: somebody may still know what had it.
  [[nodiscard]] virtual Revision highest_forgotten() const = 0;

  /// What the index knows; no disk access. Tombstones are found too.
  [[nodiscard]] virtual std::optional<IndexEntry> find(const ObjectId& id) const = 0;
  /// Errors: kNotFound (no record, a tombstone, or expired), kConflict if the record's key is not `key`, kCorrupt.
  virtual Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id, std::string_view key) = 0;
  /// The same without waiting for the disk: the object with its body in memory. None if that can't be had so, or there
  /// is anything to say that is an error of open.
  virtual std::unique_ptr<ObjectReader> open_cached(const ObjectId& id, std::string_view key) = 0;
  /// The same by id alone, for transfers between nodes; finds tombstones too (size 0).
  virtual Result<std::unique_ptr<ObjectReader>> open(const ObjectId& id) = 0;

  /// Revisions of an object that were replaced or deleted within the retention, the newest first. Not across forget.
  [[nodiscard]] virtual std::vector<RetainedRevision> retained(const ObjectId& id) const = 0;
  /// Errors: kNotFound (not retained, or no longer), kCorrupt.
  virtual Result<std::unique_ptr<ObjectReader>> open_retained(const ObjectId& id, Revision revision) = 0;
  /// How long what is replaced or deleted stays; 0: not at all. Holds for what is retained already, too.
  virtual void set_retention(Duration retention) = 0;
  /// Bytes a second that maintain() may copy to give space back, on each disk; 0: no bound. None while space is short.
  virtual void set_compaction_bandwidth(std::uint64_t bytes_per_second) = 0;

  /// Digest over live objects (no tombstones, none known corrupt) with home bucket `home` at `level`: what this store
  /// can vouch for. Kept incrementally; O(1).
  [[nodiscard]] virtual Digest digest(BucketId home, std::uint8_t level) const = 0;
  /// All records, tombstones too, with home bucket `home` at `level`, rising by id.
  [[nodiscard]] virtual std::vector<IndexEntry> list(BucketId home, std::uint8_t level) const = 0;
  /// Records with home bucket `home`, all levels, rising by id.
  [[nodiscard]] virtual std::vector<IndexEntry> list(BucketId home) const = 0;
  /// Key of a record; for `ls`. Errors: kNotFound, kCorrupt.
  virtual Result<ObjectMeta> meta(const ObjectId& id) = 0;

  /// The caller has found the record damaged (a scrub, a transfer whose checksum failed). Does nothing if `revision` is
  /// no longer the present one.
  virtual void mark_corrupt(const ObjectId& id, Revision revision) = 0;

  /// Records known to be damaged, up to `most`. Cost: looks at 65 536 counters; none if nothing is damaged.
  [[nodiscard]] virtual std::vector<IndexEntry> damaged(std::size_t most) const = 0;

  /// Reads and verifies about `bytes` more of what is stored: records, large objects' files, and whether the index
  /// points to what is there. What is damaged is marked so. Returns how much was read; a pass follows the other. One
  /// caller at a time, beside maintain(). `now` stamps the pass.
  virtual std::uint64_t scrub(std::uint64_t bytes, WallTime now) = 0;
  /// The next call of scrub() begins a new pass.
  virtual void restart_scrub() = 0;
  [[nodiscard]] virtual ScrubProgress scrub_progress() const = 0;

  /// Does one bounded piece of the work that may wait, and says when it wants to be called again. A store does nothing
  /// in the background by itself: its owner calls this, from one thread at a time. `now` says what has
  /// expired, and whose retention is over.
  virtual MaintainResult maintain(WallTime now) = 0;
  /// Says on disk that all that was written is whole, so that damage to the last of it is not taken for a torn write.
  /// maintain() does it when it has nothing else to do; an orderly end does it at once.
  virtual void confirm() = 0;

  /// Live objects with home bucket `home`, and their bytes.
  [[nodiscard]] virtual StoreStats stats(BucketId home) const = 0;
  [[nodiscard]] virtual StoreStats stats() const = 0;
  /// Set once an I/O error has ended all writing; the reason.
  [[nodiscard]] virtual std::optional<std::string> failed() const = 0;
};

}  // namespace brigade::store
