#include "scrubber.h"

#include "record_reader.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace brigade::store {
namespace {

constexpr const char* kPositionName = "/scrub.position";
constexpr const char* kPositionDraft = "tmp/scrub.position";
constexpr std::string_view kPositionMagic = "brigade-scrub-1";
constexpr std::size_t kPositionBytesMax = 200;

}  // namespace

ScrubProgress Scrubber::progress() const {
  ScrubProgress now;
  {
    const std::lock_guard lock(mutex_);
    now = progress_;
  }
  for (const SegmentPtr& segment : parts_.log.table().all()) now.set_aside += segment->damaged ? 1 : 0;
  return now;
}

void Scrubber::count(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  progress_.bytes_done = std::min(progress_.bytes_done + bytes, progress_.bytes_total);
}

void Scrubber::restart() {
  const std::lock_guard lock(mutex_);
  restart_ = true;
}

std::uint64_t Scrubber::step(std::uint64_t bytes, WallTime now) {
  bool is_wanted_anew = false;
  {
    const std::lock_guard lock(mutex_);
    is_wanted_anew = std::exchange(restart_, false);
  }
  if (!is_running_ || is_wanted_anew) {
    segment_.reset();
    large_.reset();
    if (is_wanted_anew || has_looked_ || !resume()) begin_pass(now);
    has_looked_ = is_running_ = true;
  }
  if (large_) return read_large(bytes);
  if (!segment_ && !next_segment()) {
    end_pass();
    return 0;
  }
  return read_records(bytes);
}

void Scrubber::begin_pass(WallTime now) {
  last_ = 0;
  end_ = parts_.log.next_serial() - 1;
  std::uint64_t total = 0;
  std::vector<IndexRecord> astray;
  for (const SegmentPtr& segment : parts_.log.table().all()) total += segment->used();
  for (std::uint32_t home = 0; home <= 0xffff; ++home)
    parts_.index.visit(BucketId{static_cast<std::uint16_t>(home)}, [&](const IndexRecord& record) {
      if (record.large) total += record.entry.size;
      // Compaction moves a record, under this lock, before it takes the segment out of the table.
      if (!record.entry.corrupt && !parts_.log.table().get(record.at.slot)) astray.push_back(record);
    });
  {
    const std::lock_guard lock(mutex_);
    progress_.started = now;
    progress_.bytes_done = 0;
    progress_.bytes_total = total;
  }
  for (const IndexRecord& record : astray)
    committer_.report_corrupt(record.entry.id, record.entry.revision, "the index points to a segment that is gone");
}

void Scrubber::end_pass() {
  is_running_ = false;
  static_cast<void>(parts_.file_system.remove(objects_ + kPositionName));
  const std::lock_guard lock(mutex_);
  progress_.bytes_done = progress_.bytes_total;
  // Whoever has asked for a new one does not mean this one.
  if (!restart_) ++progress_.passes;
}

bool Scrubber::next_segment() {
  for (const SegmentPtr& segment : parts_.log.table().all()) {
    if (segment->header.serial <= last_ || segment->header.serial > end_) continue;
    segment_ = segment;
    offset_ = kSegmentHeaderBytes;
    to_ = segment->tail;
    expected_.clear();
    for (std::uint32_t home = 0; home <= 0xffff; ++home)
      parts_.index.visit(BucketId{static_cast<std::uint16_t>(home)}, [&](const IndexRecord& record) {
        if (record.at.slot == segment->slot && record.at.offset() < to_)
          expected_.push_back({record.at.unit, record.entry.id, record.lsn});
      });
    std::sort(expected_.begin(), expected_.end(), [](const auto& a, const auto& b) { return a.unit < b.unit; });
    return true;
  }
  return false;
}

std::uint64_t Scrubber::read_records(std::uint64_t bytes) {
  const std::uint64_t from = offset_;
  Status outcome;
  const Result<ScanResult> scanned =
      scan_segment(*segment_, {.from = offset_, .synced = offset_, .to = to_}, [&](const ScannedRecord& record) {
        outcome = look_at(record);
        return outcome.has_value() && !large_ && record.offset + record.header.record_bytes() - from < bytes;
      });
  // Out of descriptors or memory: the same once more, later.
  if (!scanned || !outcome) {
    large_.reset();
    return 0;
  }
  for (const Gap& gap : scanned->gaps)
    note_dead(gap.from, "no record can be read up to offset " + std::to_string(gap.to));
  offset_ = scanned->stopped ? scanned->tail : to_;
  count(offset_ - from);
  const std::uint64_t read = offset_ - from;
  if (!scanned->stopped) end_segment();
  return std::max<std::uint64_t>(read, 1);  // something was done: it is no end of a pass
}

Status Scrubber::look_at(const ScannedRecord& record) {
  see(record);
  Status good = check_record(*segment_, record.offset, record.header);
  // One error alone does not prove that the bytes are gone.
  if (!good) good = check_record(*segment_, record.offset, record.header);
  if (!good && good.error().code() != Errc::kCorrupt) return good;
  if (!good) {
    damaged(record, good.error().detail());
    segment_->damaged = true;  // whatever the record is: a large object's, too
  }
  if (!good || record.header.kind != RecordKind::kLarge || !is_present(record)) return {};
  const ObjectMeta& meta = record.header.meta;
  const std::string path = parts_.large.path_of(meta.id, record.header.file);
  Result<std::unique_ptr<LargeCheck>> check = LargeCheck::open(parts_.file_system, path, meta);
  if (!check && check.error().code() != Errc::kCorrupt) return check.error();
  large_record_ = record;
  if (check) {
    large_ = std::move(*check);
  } else {
    damaged_file({path, 0}, check.error().detail());
  }
  return {};
}

std::uint64_t Scrubber::read_large(std::uint64_t bytes) {
  const Result<std::uint64_t> n = large_->step(bytes);
  if (n && *n > 0) {
    count(*n);
    return *n;
  }
  if (!n && n.error().code() != Errc::kCorrupt) return 0;
  if (!n) {
    const RecordHeader& header = large_record_.header;
    damaged_file({parts_.large.path_of(header.meta.id, header.file), large_->offset()}, n.error().detail());
  }
  large_.reset();
  if (offset_ >= to_) end_segment();
  return 1;
}

bool Scrubber::is_present(const ScannedRecord& record) const {
  const Location here{segment_->slot, static_cast<std::uint32_t>(record.offset / kUnit)};
  const std::optional<IndexRecord> present = parts_.index.find_record(record.header.meta.id);
  return present && present->lsn == record.header.lsn && present->at == here;
}

void Scrubber::damaged(const ScannedRecord& record, const std::string& why) {
  const bool is_marker = record.header.kind == RecordKind::kForget || record.header.kind == RecordKind::kVoid;
  if (!is_marker && is_present(record)) {
    committer_.report_corrupt(record.header.meta.id, record.header.meta.revision, why);
  } else {
    note_dead(record.offset, why);
  }
}

/// Of `large_record_`, wherever compaction has moved it; unless it was replaced meanwhile, and its file removed.
void Scrubber::damaged_file(const DamagePlace& place, const std::string& why) {
  const ObjectMeta& meta = large_record_.header.meta;
  const std::optional<IndexRecord> present = parts_.index.find_record(meta.id);
  if (present && present->lsn == large_record_.header.lsn)
    committer_.report_corrupt(meta.id, meta.revision, why, place);
}

/// Nobody reads what is there, but the segment is not to be trusted: compaction empties it and sets it aside.
void Scrubber::note_dead(std::uint64_t offset, const std::string& why) {
  if (!segment_->damaged.exchange(true) && parts_.on_corrupt) parts_.on_corrupt(segment_->path, offset, why);
}

void Scrubber::see(const ScannedRecord& record) {
  const auto unit = static_cast<std::uint32_t>(record.offset / kUnit);
  const auto at = std::lower_bound(expected_.begin(), expected_.end(), unit,
                                   [](const Expected& e, std::uint32_t u) { return e.unit < u; });
  if (at == expected_.end() || at->unit != unit) return;
  at->seen = at->id == record.header.meta.id && at->lsn == record.header.lsn;
}

void Scrubber::recheck(const Expected& expected) {
  const std::optional<IndexRecord> now = parts_.index.find_record(expected.id);
  if (!now || now->entry.corrupt || now->lsn != expected.lsn || now->at != Location{segment_->slot, expected.unit})
    return;
  const Result<RecordHeader> header = read_record_header(*segment_, *now);
  if (header || header.error().code() == Errc::kOverloaded) return;
  committer_.report_corrupt(expected.id, now->entry.revision,
                            "the index points to it, and it can't be read: " + header.error().detail());
}

void Scrubber::end_segment() {
  for (const Expected& expected : expected_)
    if (!expected.seen) recheck(expected);
  last_ = segment_->header.serial;
  segment_.reset();
  expected_.clear();
  note_position();
}

/// A hint: what is lost or damaged of it costs the pass so far.
void Scrubber::note_position() {
  std::ostringstream text;
  const ScrubProgress now = progress();
  text << kPositionMagic << " " << now.started.unix_ms << " " << last_ << " " << end_ << " " << now.bytes_done << " "
       << now.bytes_total << " .\n";
  const std::string draft = objects_ + "/" + kPositionDraft, line = text.str();
  static_cast<void>(parts_.file_system.remove(draft));
  const Result<std::unique_ptr<File>> file = parts_.file_system.open(draft, OpenMode::kCreate);
  if (!file || !(*file)->write(0, std::as_bytes(std::span(line)))) return;
  static_cast<void>(parts_.file_system.rename(draft, objects_ + kPositionName));
}

bool Scrubber::resume() {
  const Result<std::unique_ptr<File>> file = parts_.file_system.open(objects_ + kPositionName, OpenMode::kRead);
  if (!file) return false;
  std::string bytes(kPositionBytesMax, '\0');
  const Result<std::size_t> n = (*file)->read(0, std::as_writable_bytes(std::span(bytes)));
  if (!n) return false;
  bytes.resize(*n);
  std::istringstream text(bytes);
  std::string magic, end;
  ScrubProgress found;
  std::uint64_t last = 0, pass_end = 0;
  text >> magic >> found.started.unix_ms >> last >> pass_end >> found.bytes_done >> found.bytes_total >> end;
  if (!text || magic != kPositionMagic || end != "." || found.bytes_done > found.bytes_total) return false;
  last_ = last;
  end_ = pass_end;
  const std::lock_guard lock(mutex_);
  found.passes = progress_.passes;
  progress_ = found;
  return true;
}

}  // namespace brigade::store
