#include "segment_log.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "brigade/base/check.h"

namespace brigade::store {

std::uint64_t SegmentLog::segment_bytes() const {
  return std::clamp(std::bit_floor(std::max<std::uint64_t>(live_ / 64, 1)), options_.segment_bytes_min,
                    options_.segment_bytes_max);
}

void SegmentLog::add_live(Location at, std::uint64_t bytes) {
  if (const SegmentPtr segment = table_.get(at.slot)) segment->live += bytes;
  live_ += bytes;
}

void SegmentLog::drop_live(Location at, std::uint64_t bytes) {
  if (const SegmentPtr segment = table_.get(at.slot)) segment->live -= bytes;
  live_ -= bytes;
}

bool SegmentLog::has_room(SegmentKind kind, std::uint64_t bytes) const {
  const SegmentPtr& segment = current_[index_of(kind)];
  return segment && !segment->damaged && segment->tail + bytes <= segment->header.bytes;
}

/// Sees to it that there is a spare, of the right size unless the disk is full; says its size.
Status SegmentLog::find_spare(std::uint64_t& bytes, std::uint64_t needed, Reserve reserve) {
  const bool keep = reserve == Reserve::kKeep;
  if (folder_.spares(bytes) > (keep ? kReserveSpares : 0)) return {};
  const Status made = folder_.prepare(bytes, keep);
  if (made || keep || made.error().code() != Errc::kNoSpace) return made;
  for (std::uint64_t size = options_.segment_bytes_max; size >= options_.segment_bytes_min; size /= 2) {
    if (size < needed + kSegmentHeaderBytes || folder_.spares(size) == 0) continue;
    bytes = size;
    return {};
  }
  return made;
}

Status SegmentLog::check_space() {
  if (!short_of_space_) return {};
  const std::uint64_t size = segment_bytes();
  if (folder_.spares(size) <= kReserveSpares)
    if (Status space = folder_.check_space(size, true); !space) return space;
  short_of_space_ = false;
  return {};
}

Status SegmentLog::make_room(SegmentKind kind, std::uint64_t bytes, Reserve reserve) {
  if (has_room(kind, bytes)) return {};
  std::uint64_t size = segment_bytes();
  BRIGADE_CHECK(bytes + kSegmentHeaderBytes <= size, "a record of " << bytes << " bytes in a segment of " << size);
  Status found = find_spare(size, bytes, reserve);
  if (!found && found.error().code() == Errc::kNoSpace && reserve == Reserve::kKeep) {
    short_of_space_ = true;
    found = find_spare(size, bytes, Reserve::kUse);
  }
  if (!found) return found;
  Result<std::unique_ptr<Segment>> opened =
      folder_.activate({.serial = next_serial_++, .salt = salt_, .bytes = size, .kind = kind});
  if (!opened) return opened.error();
  Result<SegmentPtr> added = table_.add(std::move(*opened));
  if (!added) return added.error();
  SegmentPtr& current = current_[index_of(kind)];
  // Its last batch was synced before it was answered, and no later one was begun.
  if (current) current->sealed = true;
  current = std::move(*added);
  return {};
}

Result<std::uint64_t> SegmentLog::append(SegmentKind kind, std::span<Item> items) {
  const SegmentPtr& segment = current_[index_of(kind)];
  const std::uint64_t begin = segment->tail;
  std::uint64_t at = begin;
  std::uint64_t frame_bytes = 0;
  for (const Item& item : items) frame_bytes += item.header.record_bytes() - item.body.size();
  // All headers and footers in one place: the end of a record and the head of the next are one piece.
  std::vector<std::byte> frames(static_cast<std::size_t>(frame_bytes));
  std::size_t begun = 0, framed = 0;
  const auto frame = [&](std::uint64_t bytes) {
    return std::span(frames).subspan(std::exchange(framed, framed + bytes), bytes);
  };
  std::vector<std::span<const std::byte>> pieces;
  pieces.reserve(2 * items.size() + 1);
  for (Item& item : items) {
    item.header.serial = segment->header.serial;
    item.header.batch = begin;
    item.at = {segment->slot, static_cast<std::uint32_t>(at / kUnit)};
    const std::uint64_t head_bytes = item.header.header_bytes(), bytes = item.header.record_bytes();
    const std::span<std::byte> head = frame(head_bytes);
    if (!item.body.empty()) {
      pieces.push_back(std::span(frames).subspan(begun, framed - begun));
      pieces.push_back(item.body);
      begun = framed;
    }
    encode_record(item.header, salt_, head, frame(bytes - head_bytes - item.body.size()));
    at += bytes;
    segment->last_lsn = std::max<std::uint64_t>(segment->last_lsn, item.header.lsn);
    if (item.header.kind == RecordKind::kForget)
      segment->barrier = std::max<std::uint64_t>(segment->barrier, item.header.barrier);
  }
  pieces.push_back(std::span(frames).subspan(begun));
  BRIGADE_CHECK(at <= segment->header.bytes, "a batch up to " << at << " in a segment of " << segment->header.bytes);
  Status done = segment->file->write_all(begin, pieces);
  if (done) done = segment->file->sync();
  // The file may have been opened under the name of a spare.
  if (!done)
    return Error(Errc::kIo, segment->path + " from offset " + std::to_string(begin) + ": " + done.error().detail());
  appended_ += at - begin;
  is_confirmed_[index_of(kind)] = false;
  return at;
}

Result<bool> SegmentLog::confirm(SegmentKind kind) {
  bool& is_confirmed = is_confirmed_[index_of(kind)];
  const SegmentPtr& segment = current_[index_of(kind)];
  if (!segment || is_confirmed) return false;
  // An empty segment has nothing to confirm, and a full one is confirmed by the next.
  if (segment->used() > 0 && has_room(kind, kRecordBytesMin)) {
    std::array<Item, 1> items{Item{.header = {.kind = RecordKind::kVoid}, .body = {}, .at = {}}};
    const Result<std::uint64_t> end = append(kind, items);
    if (!end) return end.error();
    add_live(items[0].at, kRecordBytesMin);
    segment->markers += kRecordBytesMin;
    segment->tail = *end;
  }
  is_confirmed = true;
  return true;
}

}  // namespace brigade::store
