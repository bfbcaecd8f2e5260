#include "compactor.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "brigade/base/checksum.h"

namespace brigade::store {
namespace {

/// The two lowest serials of segments with dead records.
struct DeadSerials {
  std::optional<std::uint64_t> first, second;
  explicit DeadSerials(const std::vector<SegmentPtr>& segments) {
    for (const SegmentPtr& segment : segments) {
      if (segment->dead() == 0) continue;
      if (first) {
        second = segment->header.serial;
        return;
      }
      first = segment->header.serial;
    }
  }
  /// True if there are none up to `serial`, but for those in `segment`.
  [[nodiscard]] bool none_up_to(std::uint64_t serial, const Segment& segment) const {
    const auto& other = first == segment.header.serial ? second : first;
    return !other || *other > serial;
  }
};

}  // namespace

bool Compactor::is_needed(std::uint64_t lsn, std::uint64_t barrier, std::uint64_t covered) const {
  if (lsn > covered) return true;
  for (const SegmentPtr& segment : parts_.log.table().all())
    if (segment != victim_ && segment->header.serial <= barrier && segment->dead() > 0) return true;
  return false;
}

SegmentPtr Compactor::choose(std::uint64_t covered) const {
  const std::vector<SegmentPtr> segments = parts_.log.table().all();
  const DeadSerials dead(segments);
  SegmentPtr best, oldest;
  std::uint64_t best_garbage = 0, garbage = 0, markers = 0;
  for (const SegmentPtr& segment : segments) {
    markers += segment->markers;
    if (!segment->sealed) continue;
    std::uint64_t here = segment->dead();
    if (here > 0 && !oldest) oldest = segment;
    if (segment->barrier == 0 || (segment->last_lsn <= covered && dead.none_up_to(segment->barrier, *segment)))
      here += segment->markers;
    if (segment->damaged || here == segment->used()) return segment;
    garbage += here;
    if (here > best_garbage) {
      best = segment;
      best_garbage = here;
    }
  }
  if (!best) return nullptr;
  const std::uint64_t size = best->header.bytes;
  // A fifth of the space may be garbage; less when space is short.
  if (garbage > parts_.log.live_bytes() / 4 && best_garbage > size / 8) return best;
  if (parts_.log.is_short_of_space() && best_garbage > size / 16) return best;
  if (oldest && markers > size / 8 && markers > parts_.log.live_bytes() / 32) return oldest;
  return nullptr;
}

/// A record that says that there was one; none if the index knows nothing of it any more.
std::optional<Compactor::Piece> Compactor::lost_piece(const ObjectId& id, std::uint64_t lsn,
                                                      const std::optional<RecordHeader>& header) {
  const std::optional<IndexRecord> record = parts_.index.find_record(id);
  if (!record || record->lsn != lsn || record->at.slot != victim_->slot) return std::nullopt;
  Piece piece{.item = {}, .record = *record, .body = {}};
  RecordHeader& to = piece.item.header;
  if (header) to.meta = header->meta;
  to.kind = RecordKind::kLost;
  to.copy = true;
  to.lsn = lsn;
  to.meta.id = id;
  to.meta.revision = record->entry.revision;
  to.meta.level = record->entry.level;
  to.meta.size = 0;
  to.meta.tombstone = false;
  to.body_bytes = 0;
  return piece;
}

Result<std::optional<Compactor::Piece>> Compactor::take(const ScannedRecord& scanned, std::uint64_t covered) {
  const RecordHeader& header = scanned.header;
  if (header.kind == RecordKind::kVoid) return std::optional<Piece>();
  if (header.kind == RecordKind::kForget) {
    if (!is_needed(header.lsn, header.barrier, covered)) return std::optional<Piece>();
    Piece piece{.item = {.header = header, .body = {}, .at = {}}, .record = {}, .body = {}};
    piece.item.header.copy = true;
    piece.old_bytes = header.record_bytes();
    return std::optional(std::move(piece));
  }
  const Location here{victim_->slot, static_cast<std::uint32_t>(scanned.offset / kUnit)};
  std::optional<IndexRecord> record = parts_.index.find_record(header.meta.id);
  std::optional<RetainedRecord> retained;
  if (!record || record->lsn != header.lsn) {
    retained = parts_.retained.find(header.meta.id, header.lsn);
    record = retained ? std::optional(retained->record) : std::nullopt;
  }
  if (!record || record->at != here) return std::optional<Piece>();
  if (header.kind == RecordKind::kLost) return lost_piece(header.meta.id, header.lsn, header);
  Piece piece{.item = {.header = header, .body = {}, .at = {}}, .record = *record, .body = {}};
  piece.item.header.copy = true;
  piece.body.resize(static_cast<std::size_t>(header.body_bytes));
  Result<std::size_t> n = victim_->file->read(scanned.offset + header.header_bytes(), piece.body);
  // What is given up here is gone for good: one error alone does not prove that.
  if (!n) n = victim_->file->read(scanned.offset + header.header_bytes(), piece.body);
  if (!n && n.error().code() == Errc::kOverloaded) return n.error();
  if (n && *n == piece.body.size() &&
      (header.kind != RecordKind::kObject || checksum(piece.body) == header.meta.checksum)) {
    piece.item.body = piece.body;
    return std::optional(std::move(piece));
  }
  victim_->damaged = true;
  if (retained) {
    drop_retained(*retained);
    return std::optional<Piece>();
  }
  committer_.report_corrupt(header.meta.id, header.meta.revision,
                            n ? "the body does not match its checksum" : n.error().detail());
  return lost_piece(header.meta.id, header.lsn, header);
}

/// Nobody will ever ask for it again: nothing need say that it is lost.
void Compactor::drop_retained(const RetainedRecord& retained) {
  if (parts_.on_corrupt)
    parts_.on_corrupt(victim_->path, retained.record.at.offset(), "a revision that was replaced is damaged");
  if (const auto taken = parts_.retained.take(retained.record.entry.id, retained.record.lsn))
    committer_.drop(taken->record, taken->file);
}

bool Compactor::is_live(const Piece& piece) const {
  if (piece.item.header.kind == RecordKind::kForget) return true;
  const IndexRecord& then = piece.record;
  const std::optional<IndexRecord> now = parts_.index.find_record(then.entry.id);
  if (now && now->lsn == then.lsn && now->at == then.at) return true;
  const std::optional<RetainedRecord> retained = parts_.retained.find(then.entry.id, then.lsn);
  return retained && retained->record.at == then.at;
}

Status Compactor::copy(std::vector<Piece>& pieces) {
  SegmentLog& log = parts_.log;
  while (!pieces.empty()) {
    if (!log.has_room(SegmentKind::kCopies, pieces.front().item.header.record_bytes())) {
      const std::lock_guard turn(log.turns());
      if (Status ok =
              log.make_room(SegmentKind::kCopies, pieces.front().item.header.record_bytes(), SegmentLog::Reserve::kUse);
          !ok)
        return ok;
    }
    // Looked at once more, now that the segment is open; see above.
    std::vector<SegmentLog::Item> items;
    std::vector<Piece> now;
    std::uint64_t bytes = 0;
    std::size_t taken = 0;
    for (; taken < pieces.size(); ++taken) {
      Piece& piece = pieces[taken];
      const std::uint64_t needs = piece.item.header.record_bytes();
      if (!log.has_room(SegmentKind::kCopies, bytes + needs)) break;
      if (!is_live(piece)) continue;
      bytes += needs;
      items.push_back(piece.item);
      now.push_back(std::move(piece));
    }
    pieces.erase(pieces.begin(), pieces.begin() + static_cast<std::ptrdiff_t>(taken));
    if (items.empty()) continue;
    const Result<std::uint64_t> end = log.append(SegmentKind::kCopies, items);
    if (!end) return end.error();
    copied_bytes_ += bytes;
    // No record is replaced, and so goes from one index to the other, while places change.
    const std::lock_guard turn(log.turns());
    for (std::size_t i = 0; i < items.size(); ++i) {
      const RecordHeader& header = items[i].header;
      if (header.kind == RecordKind::kForget) {
        log.add_live(items[i].at, header.record_bytes());
        log.table().get(items[i].at.slot)->markers += header.record_bytes();
        log.drop_live({victim_->slot, 0}, now[i].old_bytes);
        victim_->markers -= now[i].old_bytes;
        continue;
      }
      const IndexRecord& before = now[i].record;
      IndexRecord after = before;
      after.at = items[i].at;
      after.header_units = static_cast<std::uint8_t>(header.header_bytes() / kUnit);
      if (header.kind == RecordKind::kLost) {
        after.entry.corrupt = true;
        after.entry.size = 0;
      }
      log.add_live(after.at, after.record_bytes());
      const bool moved = header.kind == RecordKind::kLost
                             ? parts_.index.exchange(after, before.at)
                             : parts_.index.relocate(before.entry.id, before.lsn, before.at, after.at) ||
                                   parts_.retained.relocate(before.entry.id, before.lsn, before.at, after.at);
      if (moved) {
        log.drop_live(before.at, before.record_bytes());
      } else {
        log.drop_live(after.at, after.record_bytes());
      }
    }
    log.current(SegmentKind::kCopies)->tail = *end;
  }
  return {};
}

/// Forget markers of which only the end can be read.
Status Compactor::copy_markers(const std::vector<Gap>& gaps, std::uint64_t covered) {
  std::vector<Piece> pieces;
  for (const Gap& gap : gaps) {
    victim_->damaged = true;
    for (const auto& [offset, footer] : gap.footers) {
      if (footer.kind != RecordKind::kForget) continue;
      // Its barrier is lost; none is higher than this.
      const std::uint64_t barrier = parts_.log.next_serial() - 1;
      if (!is_needed(footer.lsn, barrier, covered)) continue;
      Piece piece;
      piece.item.header = {.kind = RecordKind::kForget, .copy = true, .lsn = footer.lsn, .barrier = barrier};
      piece.item.header.meta.id = footer.id;
      piece.item.header.meta.revision = footer.revision;
      pieces.push_back(std::move(piece));
    }
  }
  return copy(pieces);
}

/// What the index points to in the victim and can't be read is kept as a record that says so.
Status Compactor::copy_lost() {
  std::vector<Piece> pieces;
  if (victim_->live != victim_->markers) {
    std::vector<std::pair<ObjectId, std::uint64_t>> left;
    for (std::uint32_t home = 0; home <= 0xffff; ++home)
      parts_.index.visit(BucketId{static_cast<std::uint16_t>(home)}, [&](const IndexRecord& record) {
        if (record.at.slot == victim_->slot) left.emplace_back(record.entry.id, record.lsn);
      });
    std::vector<RetainedRecord> unreadable;
    parts_.retained.visit([&](const RetainedRecord& retained) {
      if (retained.record.at.slot == victim_->slot) unreadable.push_back(retained);
    });
    for (const RetainedRecord& retained : unreadable) drop_retained(retained);
    for (const auto& [id, lsn] : left) {
      std::optional<Piece> piece = lost_piece(id, lsn, std::nullopt);
      if (!piece) continue;
      victim_->damaged = true;
      committer_.report_corrupt(id, piece->record.entry.revision, "no record can be read where it should be");
      pieces.push_back(std::move(*piece));
    }
  }
  return copy(pieces);
}

Status Compactor::end_victim() {
  if (Status ok = parts_.log.folder().retire(victim_); !ok) return ok;
  parts_.log.drop_live({victim_->slot, 0}, victim_->live);
  parts_.log.table().remove(*victim_);
  victim_.reset();
  emptied_ = false;
  return {};
}

Result<bool> Compactor::step(std::uint64_t covered) {
  if (!victim_) {
    victim_ = choose(covered);
    offset_ = kSegmentHeaderBytes;
    if (!victim_) return false;
  }
  if (!emptied_) {
    std::vector<Piece> pieces;
    std::uint64_t bytes = 0, read = 0;
    std::optional<Error> error;
    // A gap belongs to the piece before which it lies, so both are dealt with in one step.
    const Result<ScanResult> scanned =
        scan_segment(*victim_, {.from = offset_, .synced = offset_}, [&](const ScannedRecord& record) {
          Result<std::optional<Piece>> piece = take(record, covered);
          if (!piece) {
            error = piece.error();
            return false;
          }
          read += record.header.record_bytes();
          if (*piece) {
            bytes += (*piece)->item.header.record_bytes();
            pieces.push_back(std::move(**piece));
          }
          return bytes < step_bytes_ && read < 16 * step_bytes_;
        });
    if (!scanned) return scanned.error();
    if (error) return *error;
    if (Status ok = copy(pieces); !ok) return ok.error();
    // Only now: what was not copied is taken up again.
    if (Status ok = copy_markers(scanned->gaps, covered); !ok) return ok.error();
    if (scanned->stopped) {
      offset_ = scanned->tail;
      return true;
    }
    if (Status ok = copy_lost(); !ok) return ok.error();
    emptied_ = true;
  }
  if (Status ok = end_victim(); !ok) return ok.error();
  return true;
}

}  // namespace brigade::store
