#include "housekeeping.h"

#include <chrono>
#include <utility>
#include <vector>

namespace brigade::store {
namespace {

/// Segments that are kept to be written again: with the size that they have, an eighth of what is live.
constexpr std::size_t kRecycledMax = 8;
constexpr std::size_t kSweptAtOnce = 16;
constexpr std::size_t kExpiredAtOnce = 64;
constexpr std::size_t kReleasedAtOnce = 1024;

}  // namespace

/// What has expired is forgotten, durably: nothing older of it may come back.
Result<bool> Housekeeping::expire(WallTime now) {
  const std::vector<ObjectId> due = parts_.calendar.take_due(now, kExpiredAtOnce);
  for (const ObjectId& id : due) {
    const std::optional<IndexRecord> record = parts_.index.find_record(id);
    if (!record || !record->entry.expires) continue;
    const Result<FoundRecord> found = committer_.read(id);
    if (!found || found->header.meta.expires.unix_ms == 0 || found->header.meta.expires > now) continue;
    if (Status ok = forget_(id, found->header.meta.revision); !ok) {
      parts_.calendar.add(id, now);
      return ok.error();
    }
  }
  return !due.empty();
}

/// True if something is no longer retained.
bool Housekeeping::release(WallTime now) {
  const std::vector<RetainedRecord> over =
      parts_.retained.take_replaced_by(committer_.retained_since(now), kReleasedAtOnce);
  for (const RetainedRecord& old : over) committer_.drop(old.record, old.file);
  return !over.empty();
}

/// One segment in reserve, and the next for commits once the present one is half full. What compaction frees is kept
/// for the next writes, which then need no zeros first, as long as the disk has as much again.
Result<bool> Housekeeping::prepare_ahead() {
  std::uint64_t filled = 0, bytes = 0;
  {
    const std::lock_guard turn(parts_.log.turns());
    const SegmentPtr current = parts_.log.current(SegmentKind::kCommits);
    if (!current) return false;
    filled = current->tail;
    bytes = current->header.bytes;
  }
  const std::uint64_t size = parts_.log.segment_bytes();
  const std::size_t wanted = SegmentLog::kReserveSpares + (filled > bytes / 2 ? 1 : 0);
  const bool is_roomy = parts_.log.folder().check_space(size * kRecycledMax, true).has_value();
  const std::size_t kept = SegmentLog::kReserveSpares + (is_roomy ? kRecycledMax : 1);
  if (Status ok = parts_.log.folder().reclaim(size, kept); !ok) return ok.error();
  if (parts_.log.folder().spares(size) >= wanted) return false;
  if (Status ok = parts_.log.folder().prepare(size, true); !ok) return ok.error();
  return true;
}

/// A damaged segment that is still appended to ends here, so that compaction can empty it.
Result<bool> Housekeeping::end_damaged() {
  const std::lock_guard turn(parts_.log.turns());
  for (const SegmentKind kind : {SegmentKind::kCommits, SegmentKind::kCopies}) {
    const SegmentPtr current = parts_.log.current(kind);
    if (!current || !current->damaged) continue;
    if (Status ok = parts_.log.make_room(kind, kRecordBytesMin, SegmentLog::Reserve::kUse); !ok) return ok.error();
    return true;
  }
  return false;
}

/// Each step is followed by as long a rest as the bandwidth asks for. Not while space is short: writers wait for it.
Result<bool> Housekeeping::compact(WallTime now, MaintainResult& result) {
  const std::uint64_t bandwidth = parts_.log.is_short_of_space() ? 0 : compaction_bandwidth_.load();
  if (bandwidth > 0) {
    const auto rest_ms = static_cast<std::int64_t>(copied_ * 1000 / bandwidth);
    const std::int64_t rested_ms = now.unix_ms - compacted_.unix_ms;
    if (rested_ms >= 0 && rested_ms < rest_ms) {  // the clock may have been set back
      result.rest = std::chrono::milliseconds{rest_ms - rested_ms};
      return false;
    }
  }
  const std::uint64_t before = compactor_.copied_bytes();
  const Result<bool> done = compactor_.step(snapshotter_.covered());
  compacted_ = now;
  copied_ = compactor_.copied_bytes() - before;
  return done;
}

bool Housekeeping::did(MaintainResult& result, const char* what, const Result<bool>& done) {
  // No space, no descriptors: it will be tried again.
  if (!done) static_cast<void>(parts_.latch.note(done.error()));
  if (!done || !*done) return false;
  result = {.again = true, .did = what};
  return true;
}

MaintainResult Housekeeping::step(WallTime now) {
  const std::lock_guard lock(mutex_);
  MaintainResult result;
  if (!parts_.latch.check()) return result;
  if (did(result, "prepared a segment", prepare_ahead())) return result;
  if (did(result, "forgot what expired", expire(now))) return result;
  if (did(result, "gave up what was retained", Result<bool>(release(now)))) return result;
  const Result<std::size_t> swept = parts_.large.sweep(kSweptAtOnce);
  if (did(result, "removed files", swept ? Result<bool>(*swept > 0) : Result<bool>(swept.error()))) return result;
  if (did(result, "wrote of the index", snapshotter_.step())) return result;
  if (did(result, "ended a damaged segment", end_damaged())) return result;
  if (did(result, "compacted", compact(now, result))) return result;
  // No reason to come again at once: beside a steady writer there would be no end to it.
  confirm_all();
  return result;
}

void Housekeeping::confirm() {
  const std::lock_guard lock(mutex_);
  if (parts_.latch.check()) confirm_all();
}

void Housekeeping::confirm_all() {
  const std::lock_guard turn(parts_.log.turns());
  for (const SegmentKind kind : {SegmentKind::kCopies, SegmentKind::kCommits})
    if (const Result<bool> done = parts_.log.confirm(kind); !done) static_cast<void>(parts_.latch.note(done.error()));
}

}  // namespace brigade::store
