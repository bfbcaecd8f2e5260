#include "recovery.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "brigade/base/checksum.h"

namespace brigade::store {

Result<Recovery::Outcome> Recovery::run() {
  if (Status ok = parts_.log.folder().check_versions(); !ok) return ok.error();
  if (Status ok = make_directories(); !ok) return ok.error();
  if (Status ok = open_segments(); !ok) return ok.error();
  if (Status ok = load_snapshot(); !ok) return ok.error();
  if (Status ok = settle_salt(); !ok) return ok.error();
  if (Status ok = scan_all(); !ok) return ok.error();
  if (Status ok = check_all(); !ok) return ok.error();
  parts_.log.restore(salt_, next_serial_);
  parts_.log.set_appended(replayed_);
  Outcome outcome{.next_lsn = next_lsn_, .snapshot_lsn = std::nullopt};
  if (snapshot_) outcome.snapshot_lsn = snapshot_->lsn;
  return outcome;
}

Status Recovery::make_directories() {
  FileSystem& fs = parts_.file_system;
  const std::string& objects = options_.objects;
  const auto parent_of = [](const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? std::string(".") : slash == 0 ? std::string("/") : path.substr(0, slash);
  };
  const std::string dir = parent_of(objects);
  for (const std::string& path :
       {dir, objects, objects + "/segments", objects + "/large", objects + "/tmp", objects + "/corrupt"})
    if (Status ok = fs.make_directory(path); !ok) return ok;
  // What is seen now may be in the kernel's memory only, if a process and not the machine went down.
  for (const std::string& path : {parent_of(dir), dir, objects, objects + "/segments", objects + "/large"})
    if (Status ok = fs.sync_directory(path); !ok) return ok;
  const Result<std::vector<std::string>> leftovers = fs.list(objects + "/tmp");
  if (!leftovers) return leftovers.error();
  for (const std::string& name : *leftovers)
    if (Status ok = fs.remove(objects + "/tmp/" + name); !ok) return ok;
  return {};
}

Status Recovery::open_segments() {
  const std::string dir = options_.objects + "/segments";
  const Result<std::vector<std::string>> names = parts_.file_system.list(dir);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const std::string path = dir + "/" + name;
    if (name.ends_with(".new")) {
      if (Status ok = parts_.file_system.remove(path); !ok) return ok;
    } else if (name.ends_with(".spare")) {
      const Result<FileInfo> info = parts_.file_system.info(path);
      if (!info) return info.error();
      // A serial that a spare had as a segment is not given again: records of it may still stand there.
      const Result<std::unique_ptr<File>> file = parts_.file_system.open(path, OpenMode::kRead);
      if (!file) return file.error();
      SegmentHeaderBlock block{};
      const Result<std::size_t> n = (*file)->read(0, block);
      const Result<SegmentHeader> header =
          n ? decode_segment_header(std::span<const std::byte>(block).first(*n)) : Result<SegmentHeader>(n.error());
      if (header) next_serial_ = std::max(next_serial_, header->serial + 1);
      parts_.log.folder().add_spare(name, info->bytes);
    } else if (const std::uint64_t serial = parse_segment_name(name); serial != 0) {
      if (Status ok = open_segment(name, serial); !ok) return ok;
    }
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const auto& a, const auto& b) { return a->header.serial < b->header.serial; });
  // Who opens a segment has finished the one before of its kind.
  std::set<SegmentKind> newest;
  for (auto at = segments_.rbegin(); at != segments_.rend(); ++at)
    if (!(*at)->damaged && newest.insert((*at)->header.kind).second)
      continue;
    else
      (*at)->sealed = true;
  return {};
}

Status Recovery::open_segment(const std::string& name, std::uint64_t serial) {
  auto segment = std::make_unique<Segment>();
  segment->path = options_.objects + "/segments/" + name;
  Result<std::unique_ptr<File>> file = parts_.file_system.open(segment->path, OpenMode::kWrite);
  if (!file) return file.error();
  segment->file = std::move(*file);
  const Result<std::uint64_t> bytes = segment->file->size();
  if (!bytes) return bytes.error();
  SegmentHeaderBlock block{};
  const Result<std::size_t> n = segment->file->read(0, block);
  if (!n && n.error().code() == Errc::kOverloaded) return n.error();
  Result<SegmentHeader> header = n ? decode_segment_header(std::span<const std::byte>(block).first(*n))
                                   : Result<SegmentHeader>(as_damage(n.error()));
  if (header && header->serial != serial) header = Error(Errc::kCorrupt, "segment header: of another segment");
  if (header) {
    segment->header = *header;
    if (!has_salt_) salt_ = header->salt;
    has_salt_ = true;
  } else {
    // Name and neighbours tell what the header would. Nothing is appended here any more.
    segment->header = {.serial = serial, .salt = 0, .bytes = *bytes};
    segment->damaged = true;
    report(segment->path, 0, header.error().detail());
  }
  if (*bytes < segment->header.bytes) {
    segment->damaged = true;
    report(segment->path, *bytes, "the segment is cut off");
  }
  segment->header.bytes = std::min(segment->header.bytes, *bytes) / kUnit * kUnit;
  next_serial_ = std::max(next_serial_, serial + 1);
  Result<SegmentPtr> added = parts_.log.table().add(std::move(segment));
  if (!added) return added.error();
  segments_.push_back(std::move(*added));
  return {};
}

Status Recovery::settle_salt() {
  if (!has_salt_ && snapshot_) salt_ = snapshot_->salt;
  if (!has_salt_ && !snapshot_) {
    if (!segments_.empty())
      return Error(Errc::kCorrupt, "no header of a segment in " + options_.objects +
                                       "/segments can be read: this is no store, or all of it is damaged");
    salt_ = options_.new_salt;
  }
  for (const SegmentPtr& segment : segments_) segment->header.salt = salt_;
  return {};
}

Status Recovery::load_snapshot() {
  if (options_.ignore_snapshot) return {};
  std::unordered_map<std::uint64_t, std::uint32_t> slots;
  for (const SegmentPtr& segment : segments_) slots[segment->header.serial] = segment->slot;
  // If the segment was compacted since, the copy will be found. If not, the record is lost.
  const auto place = [&](std::uint64_t serial, const IndexRecord& record) {
    const auto slot = slots.find(serial);
    return slot == slots.end() ? SegmentLog::kNowhere : Location{slot->second, record.at.unit};
  };
  SnapshotSink sink;
  sink.on_head = [&](const SnapshotHead& head) { snapshot_ = head; };
  sink.on_entries = [&](const std::vector<SnapshotEntry>& entries) {
    for (const SnapshotEntry& entry : entries) {
      IndexRecord record = entry.record;
      record.at = place(entry.serial, record);
      parts_.index.put(record);
      next_lsn_ = std::max(next_lsn_, record.lsn + 1);
    }
  };
  sink.on_retained = [&](const std::vector<SnapshotRetained>& entries) {
    for (const SnapshotRetained& entry : entries) {
      RetainedRecord retained = entry.retained;
      retained.record.at = place(entry.serial, retained.record);
      if (options_.retains) parts_.retained.add(retained);
    }
  };
  sink.on_due = [&](const std::vector<SnapshotDue>& due) {
    for (const SnapshotDue& one : due) parts_.calendar.add_at(one.id, one.minute);
  };
  const Status read = read_snapshot(parts_.file_system, options_.objects, sink);
  if (read && has_salt_ && snapshot_->salt != salt_) {
    report(options_.objects + kSnapshotName, 0, "index snapshot: of another store");
  } else if (read) {
    next_serial_ = std::max(next_serial_, snapshot_->next_serial);
    next_file_ = snapshot_->next_file;
    next_lsn_ = std::max(next_lsn_, snapshot_->lsn + 1);
    return {};
  } else if (read.error().code() == Errc::kNotFound) {
    return {};
  } else if (read.error().code() == Errc::kCorrupt) {
    report(options_.objects + kSnapshotName, 0, read.error().detail());
  } else {
    return read;
  }
  // The segments alone tell all. It must not be taken for good again when new operations use the lsns that it covers.
  parts_.index.clear();
  parts_.retained.clear();
  parts_.calendar.clear();
  snapshot_.reset();
  next_lsn_ = 1;
  const std::string aside = options_.objects + "/corrupt/index.snap";
  const Status moved = parts_.file_system.rename(options_.objects + kSnapshotName, aside);
  if (!moved) return moved;
  for (const std::string& path : {options_.objects + "/corrupt", options_.objects})
    if (Status ok = parts_.file_system.sync_directory(path); !ok) return ok;
  return {};
}

Status Recovery::scan_all() {
  std::uint64_t total = 0, done = 0;
  for (const SegmentPtr& segment : segments_) total += segment->header.bytes;
  for (const SegmentPtr& segment : segments_) {
    if (Status ok = scan_one(segment); !ok) return ok;
    done += segment->header.bytes;
    if (options_.on_progress) options_.on_progress(done, total);
  }
  return {};
}

Status Recovery::scan_one(const SegmentPtr& segment) {
  ScanLimits limits;
  if (snapshot_) {
    const auto known = std::find_if(snapshot_->segments.begin(), snapshot_->segments.end(),
                                    [&](const auto& s) { return s.serial == segment->header.serial; });
    if (known != snapshot_->segments.end() && known->tail <= segment->header.bytes) {
      limits = {.from = known->tail, .synced = known->tail};
      parts_.log.add_live({segment->slot, 0}, known->markers);
      segment->markers = known->markers;
      segment->last_lsn = snapshot_->lsn;
      segment->barrier = snapshot_->next_serial - 1;
    }
  }
  const Result<ScanResult> scanned = scan_segment(*segment, limits, [&](const ScannedRecord& record) {
    replay(record, segment);
    return true;
  });
  if (!scanned) return scanned.error();
  segment->tail = scanned->tail;
  replayed_ += scanned->tail - limits.from;
  for (const Gap& gap : scanned->gaps)
    if (!gap.torn) note_damage(gap, segment);
  if (segment->sealed) return {};
  if (Status ok = make_sure(scanned->synced, *segment); !ok) return ok;
  if (Status ok = fill_gaps(*scanned, *segment); !ok) return ok;
  if (Status ok = segment->file->sync(); !ok) return ok;
  parts_.log.continue_in(segment);
  return {};
}

/// What was read may be in the kernel's memory only, and will be shown from now on. After a sync that failed the kernel
/// even takes it for clean, and a sync alone would do nothing: so it is written again.
Status Recovery::make_sure(std::uint64_t synced, Segment& segment) {
  std::vector<std::byte> bytes;
  for (std::uint64_t at = synced; at < segment.tail; at += bytes.size()) {
    bytes.resize(static_cast<std::size_t>(std::min<std::uint64_t>(std::size_t{1} << 20, segment.tail - at)));
    const Result<std::size_t> n = segment.file->read(at, bytes);
    if (!n) return n.error();
    if (Status ok = segment.file->write(at, std::span(bytes).first(*n)); !ok) return ok;
    if (*n < bytes.size()) break;
  }
  return {};
}

/// Covers what was torn with records that say nothing, and clears what is left of it behind the tail, so that nobody
/// takes it for damage once more was appended.
Status Recovery::fill_gaps(const ScanResult& scanned, Segment& segment) {
  for (const Gap& gap : scanned.gaps) {
    if (!gap.torn || gap.to - gap.from < kRecordBytesMin) continue;
    RecordHeader cover{.kind = RecordKind::kVoid, .serial = segment.header.serial, .batch = scanned.synced};
    cover.body_bytes = gap.to - gap.from - kRecordBytesMin;
    const RecordFrame frame = encode_record(cover, salt_);
    if (Status ok = segment.file->write(gap.from, frame.head); !ok) return ok;
    if (Status ok = segment.file->write(gap.to - frame.tail.size(), frame.tail); !ok) return ok;
  }
  if (scanned.residue == scanned.tail) return {};
  const std::vector<std::byte> zeros(static_cast<std::size_t>(scanned.residue - scanned.tail));
  return segment.file->write(scanned.tail, zeros);
}

void Recovery::replay(const ScannedRecord& scanned, const SegmentPtr& segment) {
  const RecordHeader& header = scanned.header;
  segment->last_lsn = std::max<std::uint64_t>(segment->last_lsn, header.lsn);
  next_lsn_ = std::max(next_lsn_, header.lsn + 1);
  next_file_ = std::max(next_file_, header.file + 1);
  const Location at{segment->slot, static_cast<std::uint32_t>(scanned.offset / kUnit)};
  if (header.kind == RecordKind::kForget || header.kind == RecordKind::kVoid) {
    segment->markers += header.record_bytes();
    parts_.log.add_live(at, header.record_bytes());
    if (header.kind == RecordKind::kVoid) return;
    segment->barrier = std::max<std::uint64_t>(segment->barrier, header.barrier);
    replay_marker(header.meta.id, header.lsn);
    return;
  }
  const bool lost = header.kind == RecordKind::kLost;
  replay_object({.entry = {.id = header.meta.id,
                           .revision = header.meta.revision,
                           .level = header.meta.level,
                           .tombstone = header.kind == RecordKind::kTombstone,
                           .size = lost ? 0 : header.meta.size,
                           .corrupt = lost,
                           .expires = !lost && header.meta.expires.unix_ms > 0},
                 .lsn = header.lsn,
                 .at = at,
                 .large = header.kind == RecordKind::kLarge,
                 .header_units = static_cast<std::uint8_t>(header.header_bytes() / kUnit)},
                lost, &header);
}

void Recovery::replay_marker(const ObjectId& id, std::uint64_t lsn) {
  std::uint64_t& last = markers_[id];
  last = std::max(last, lsn);
  const std::optional<IndexRecord> present = parts_.index.find_record(id);
  if (present && present->lsn < last) parts_.index.erase(id);
  parts_.retained.take_up_to(id, last);
}

Result<RecordHeader> Recovery::header_of(const IndexRecord& record) {
  const SegmentPtr segment = parts_.log.table().get(record.at.slot);
  if (!segment) return Error(Errc::kCorrupt, "the record is lost");
  return read_record_header(*segment, record);
}

/// No header: it is read. If it can't be, a copy of the record is still to come, or nothing can be had of it.
void Recovery::note_older(const IndexRecord& record, const RecordHeader* header) {
  if (!options_.retains || !is_worth_retaining(record, 1)) return;
  const Result<RecordHeader> found = header != nullptr ? *header : header_of(record);
  if (found) older_[{record.entry.id, record.lsn}] = {record, found->file, found->written};
}

/// What was replaced was so when the next record of its object was written.
void Recovery::retain_older() {
  for (auto at = older_.begin(); at != older_.end(); ++at) {
    const ObjectId& id = at->first.first;
    const Older& older = at->second;
    const std::optional<IndexRecord> present = parts_.index.find_record(id);
    const auto marker = markers_.find(id);
    if (!present || present->lsn <= older.record.lsn || (marker != markers_.end() && older.record.lsn < marker->second))
      continue;
    const auto next = std::next(at);
    const bool is_last = next == older_.end() || next->first.first != id;
    // The same revision again repaired it.
    if ((is_last ? present->entry.revision : next->second.record.entry.revision) == older.record.entry.revision)
      continue;
    WallTime replaced = options_.now;
    if (!is_last) {
      replaced = next->second.written;
    } else if (const Result<RecordHeader> newer = header_of(*present)) {
      replaced = newer->written;
    }
    parts_.retained.add({older.record, older.file, replaced});
  }
  older_.clear();
}

void Recovery::replay_object(const IndexRecord& record, bool lost, const RecordHeader* header) {
  const ObjectId& id = record.entry.id;
  const auto marker = markers_.find(id);
  if (marker != markers_.end() && record.lsn < marker->second) return;
  const std::optional<IndexRecord> present = parts_.index.find_record(id);
  // What the snapshot covers and doesn't have was superseded or forgotten before it.
  if (!present && snapshot_ && record.lsn <= snapshot_->lsn) return;
  if (present && present->lsn > record.lsn) return note_older(record, header);
  // Two copies of one record: any that is good, and rather the newer, so that the segment of the other can go.
  if (present && present->lsn == record.lsn && lost && present->at != SegmentLog::kNowhere) return;
  if (present && present->lsn < record.lsn) note_older(*present, nullptr);
  parts_.index.put(record);
  if (record.entry.expires) parts_.calendar.add(id, header->meta.expires);
}

void Recovery::note_damage(const Gap& gap, const SegmentPtr& segment) {
  segment->damaged = true;
  std::string why = "no record can be read up to offset " + std::to_string(gap.to);
  for (const auto& [offset, footer] : gap.footers) {
    next_lsn_ = std::max(next_lsn_, footer.lsn + 1);
    if (footer.kind == RecordKind::kVoid) continue;
    why += "; offset " + std::to_string(offset) + " held object " + to_string(footer.id) + " revision " +
           to_string(footer.revision);
    if (footer.kind == RecordKind::kForget) {
      why += ", forgotten";
      replay_marker(footer.id, footer.lsn);
      continue;
    }
    replay_object({.entry = {.id = footer.id,
                             .revision = footer.revision,
                             .level = footer.level,
                             .tombstone = footer.kind == RecordKind::kTombstone,
                             .size = footer.record_bytes - footer.header_bytes - kFooterBytes,
                             .corrupt = true},
                   .lsn = footer.lsn,
                   .at = {segment->slot, static_cast<std::uint32_t>(offset / kUnit)},
                   .large = footer.kind == RecordKind::kLarge,
                   .header_units = static_cast<std::uint8_t>(footer.header_bytes / kUnit)},
                  true, nullptr);
  }
  report(segment->path, gap.from, why);
}

/// Counts what each segment holds for the index, and looks again at what is not as it should be.
Status Recovery::check_all() {
  std::vector<IndexRecord> doubtful;
  for (std::uint32_t home = 0; home <= 0xffff; ++home) {
    parts_.index.visit(BucketId{static_cast<std::uint16_t>(home)}, [&](const IndexRecord& record) {
      parts_.log.add_live(record.at, record.record_bytes());
      if (record.entry.corrupt || record.at == SegmentLog::kNowhere) doubtful.push_back(record);
    });
  }
  for (const IndexRecord& record : doubtful)
    if (Status ok = recheck(record); !ok) return ok;
  retain_older();
  check_retained();
  return parts_.large.clean(next_file_, [&](const ObjectId& id, std::uint64_t file, bool has_twin) -> Result<bool> {
    if (parts_.retained.has_file(id, file)) return true;
    const std::optional<IndexRecord> record = parts_.index.find_record(id);
    if (!record || !record->large) return false;
    // One alone is the one, or it is damage to find out.
    if (!has_twin) return true;
    const Result<RecordHeader> header = header_of(*record);
    if (!header && header.error().code() == Errc::kOverloaded) return header.error();
    // While the record can't be read, either may be the last that is left.
    return !header || header->file == file;
  });
}

/// Leaves those that are there, were replaced indeed, and counts what they take.
void Recovery::check_retained() {
  std::vector<IndexRecord> gone;
  parts_.retained.visit([&](const RetainedRecord& retained) {
    const IndexRecord& record = retained.record;
    const std::optional<IndexRecord> present = parts_.index.find_record(record.entry.id);
    if (record.at == SegmentLog::kNowhere || !present || present->lsn <= record.lsn) {
      gone.push_back(record);
    } else {
      parts_.log.add_live(record.at, record.record_bytes());
    }
  });
  for (const IndexRecord& record : gone) parts_.retained.take(record.entry.id, record.lsn);
}

Status Recovery::recheck(const IndexRecord& record) {
  IndexRecord now = record;
  const SegmentPtr segment = parts_.log.table().get(record.at.slot);
  if (!segment) {
    now.entry.corrupt = true;
    report(options_.objects + "/segments", 0,
           "the segment of object " + to_string(record.entry.id) + " revision " + to_string(record.entry.revision) +
               " is gone");
  } else {
    // What a reader could not read once may be readable now. A header that is good brings a body that is checked.
    Result<std::unique_ptr<RecordReader>> reader = RecordReader::open(segment, record, [](const std::string&) {});
    std::byte first{};
    const Result<std::size_t> n =
        reader ? (*reader)->read(0, std::span(&first, 1)) : Result<std::size_t>(reader.error());
    if (!n && n.error().code() == Errc::kOverloaded) return n.error();
    now.entry.corrupt = !n;
  }
  if (now.entry.corrupt != record.entry.corrupt) parts_.index.exchange(now, record.at);
  return {};
}

}  // namespace brigade::store
