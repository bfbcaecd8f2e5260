#include "snapshotter.h"

#include <mutex>
#include <vector>

namespace brigade::store {
namespace {

constexpr std::size_t kPieceEntries = 50'000;
constexpr std::uint64_t kEntryBytes = 48;

}  // namespace

bool Snapshotter::is_due() const {
  const StoreStats stats = parts_.index.stats();
  const std::uint64_t own = (stats.objects + stats.tombstones) * kEntryBytes;
  return parts_.log.appended_bytes() >= std::max(every_bytes_, 2 * own);
}

Status Snapshotter::begin() {
  SnapshotHead head;
  {
    // With the turn, all that is behind the tails is above the lsn.
    const std::lock_guard turn(parts_.log.turns());
    head.salt = parts_.log.salt();
    head.lsn = committer_.last_lsn();
    head.next_serial = parts_.log.next_serial();
    head.next_file = parts_.large.next_file();
    for (const SegmentPtr& segment : parts_.log.table().all())
      head.segments.push_back({segment->header.serial, segment->tail, segment->markers});
    parts_.log.set_appended(0);
  }
  Result<std::unique_ptr<SnapshotWriter>> writer = SnapshotWriter::create(parts_.file_system, objects_, head);
  if (!writer) return writer.error();
  writer_ = std::move(*writer);
  next_home_ = 0;
  return {};
}

Status Snapshotter::write_piece() {
  std::vector<SnapshotEntry> entries;
  while (next_home_ <= 0xffff && entries.size() < kPieceEntries) {
    // The serial is looked up under the bucket's lock: compaction can't take the segment out of the table before it has
    // moved the record, which needs that lock.
    parts_.index.visit(BucketId{static_cast<std::uint16_t>(next_home_)}, [&](const IndexRecord& record) {
      const SegmentPtr segment = parts_.log.table().get(record.at.slot);
      entries.push_back({record, segment ? segment->header.serial : 0});
    });
    ++next_home_;
  }
  for (const SnapshotEntry& entry : entries)
    if (Status ok = writer_->add(entry); !ok) return ok;
  if (next_home_ <= 0xffff) return writer_->flush();
  // Few, next to the entries.
  std::vector<SnapshotRetained> retained;
  parts_.retained.visit([&](const RetainedRecord& record) {
    const SegmentPtr segment = parts_.log.table().get(record.record.at.slot);
    retained.push_back({record, segment ? segment->header.serial : 0});
  });
  for (const SnapshotRetained& record : retained)
    if (Status ok = writer_->add(record); !ok) return ok;
  std::vector<SnapshotDue> due;
  parts_.calendar.visit([&](const ObjectId& id, std::uint64_t minute) { due.push_back({id, minute}); });
  for (const SnapshotDue& one : due)
    if (Status ok = writer_->add(one); !ok) return ok;
  return writer_->finish();
}

Result<bool> Snapshotter::step() {
  if (!writer_ && !is_due()) return false;
  if (Status ok = advance(); !ok) return ok.error();
  return true;
}

Status Snapshotter::write_all() {
  do {
    if (Status ok = advance(); !ok) return ok;
  } while (writer_);
  return {};
}

Status Snapshotter::advance() {
  const Status done = writer_ ? write_piece() : begin();
  if (!done) {
    writer_.reset();
    return done;
  }
  if (next_home_ <= 0xffff) return {};
  covered_ = writer_->lsn();
  writer_.reset();
  next_home_ = 0;
  return {};
}

}  // namespace brigade::store
