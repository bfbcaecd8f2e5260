#include "index_snapshot.h"

#include "object_file.h"
#include "segment_format.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::string_view kMagic = "BRGIDX\r\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFileHeadBytes = 16;   // magic, version, 0
constexpr std::size_t kBlockHeadBytes = 16;  // kind, payload bytes, number
constexpr std::size_t kBlockBytesMax = 1 << 20;
constexpr std::size_t kEntryBytes = 48;
constexpr std::size_t kHeadFieldBytes = 40;
constexpr std::size_t kSegmentBytes = 24;
constexpr std::size_t kRetainedBytes = kEntryBytes + 16;
constexpr std::size_t kDueBytes = 24;
constexpr std::uint32_t kHead = 1, kEntries = 2, kEnd = 3, kRetained = 4, kDue = 5;

// Flags above the lsn in an entry's word.
constexpr int kExpiresShift = 46, kLevelShift = 47, kTombstoneShift = 50, kCorruptShift = 51, kLargeShift = 52,
              kHeaderShift = 53;

void put_entry(std::span<std::byte> area, const SnapshotEntry& e) {
  const IndexRecord& r = e.record;
  put_uint(area, 0, r.entry.id.high, 8);
  put_uint(area, 8, r.entry.id.low, 8);
  put_uint(area, 16, r.entry.revision.value, 8);
  put_uint(area, 24,
           r.lsn | static_cast<std::uint64_t>(r.entry.expires) << kExpiresShift |
               std::uint64_t{r.entry.level} << kLevelShift |
               static_cast<std::uint64_t>(r.entry.tombstone) << kTombstoneShift |
               static_cast<std::uint64_t>(r.entry.corrupt) << kCorruptShift |
               static_cast<std::uint64_t>(r.large) << kLargeShift | std::uint64_t{r.header_units} << kHeaderShift,
           8);
  // Size: 41 bits. Offset in units: 22 bits.
  put_uint(area, 32, r.entry.size | std::uint64_t{r.at.unit} << 42, 8);
  put_uint(area, 40, e.serial, 8);
}

SnapshotEntry get_entry(std::span<const std::byte> area) {
  SnapshotEntry e;
  IndexRecord& r = e.record;
  r.entry.id = {get_uint(area, 0, 8), get_uint(area, 8, 8)};
  r.entry.revision = Revision{get_uint(area, 16, 8)};
  const std::uint64_t word = get_uint(area, 24, 8);
  r.lsn = word & IndexRecord::kLsnMax;
  r.entry.expires = ((word >> kExpiresShift) & 1) != 0;
  r.entry.level = static_cast<std::uint8_t>((word >> kLevelShift) & 7);
  r.entry.tombstone = ((word >> kTombstoneShift) & 1) != 0;
  r.entry.corrupt = ((word >> kCorruptShift) & 1) != 0;
  r.large = ((word >> kLargeShift) & 1) != 0;
  r.header_units = static_cast<std::uint8_t>((word >> kHeaderShift) & 63);
  const std::uint64_t size = get_uint(area, 32, 8);
  r.entry.size = size & ((std::uint64_t{1} << 42) - 1);
  r.at.unit = static_cast<std::uint32_t>(size >> 42);
  e.serial = get_uint(area, 40, 8);
  return e;
}

bool is_possible(const SnapshotEntry& e) {
  return e.record.entry.level <= kLevelMax && e.record.entry.size <= limits::kObjectBytesMax;
}

}  // namespace

Result<std::unique_ptr<SnapshotWriter>> SnapshotWriter::create(FileSystem& file_system, const std::string& dir,
                                                               const SnapshotHead& head) {
  const std::string path = dir + "/" + kSnapshotDraft;
  Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kCreate);
  if (!file && file.error().code() == Errc::kConflict) {
    if (Status ok = file_system.remove(path); !ok) return ok.error();
    file = file_system.open(path, OpenMode::kCreate);
  }
  if (!file) return file.error();
  auto writer = std::unique_ptr<SnapshotWriter>(new SnapshotWriter(file_system, dir, std::move(*file)));
  writer->lsn_ = head.lsn;
  std::vector<std::byte> bytes(kFileHeadBytes);
  const auto magic = std::as_bytes(std::span(kMagic));
  std::copy(magic.begin(), magic.end(), bytes.begin());
  put_uint(bytes, 8, kVersion, 4);
  if (Status ok = writer->file_->write(0, bytes); !ok) return ok.error();
  writer->offset_ = kFileHeadBytes;
  bytes.assign(kHeadFieldBytes + head.segments.size() * kSegmentBytes, std::byte{0});
  put_uint(bytes, 0, head.salt, 8);
  put_uint(bytes, 8, head.lsn, 8);
  put_uint(bytes, 16, head.next_serial, 8);
  put_uint(bytes, 24, head.next_file, 8);
  put_uint(bytes, 32, head.segments.size(), 8);
  for (std::size_t i = 0; i < head.segments.size(); ++i) {
    const std::size_t at = kHeadFieldBytes + i * kSegmentBytes;
    put_uint(bytes, at, head.segments[i].serial, 8);
    put_uint(bytes, at + 8, head.segments[i].tail, 8);
    put_uint(bytes, at + 16, head.segments[i].markers, 8);
  }
  if (Status ok = writer->write_block(kHead, bytes); !ok) return ok.error();
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (finished_) return;
  file_.reset();
  static_cast<void>(file_system_.remove(dir_ + "/" + kSnapshotDraft));
}

Status SnapshotWriter::write_block(std::uint32_t kind, std::span<const std::byte> payload) {
  std::array<std::byte, kBlockHeadBytes> head{};
  put_uint(head, 0, kind, 4);
  put_uint(head, 4, payload.size(), 4);
  put_uint(head, 8, block_, 8);
  ChecksumStream sum;
  sum.update(head);
  sum.update(payload);
  std::array<std::byte, 8> tail{};
  put_uint(tail, 0, sum.value(), 8);
  const std::array<std::span<const std::byte>, 3> pieces{head, payload, tail};
  if (Status ok = file_->write_all(offset_, pieces); !ok) return ok;
  offset_ += head.size() + payload.size() + tail.size();
  ++block_;
  return {};
}

Result<std::span<std::byte>> SnapshotWriter::room(std::uint32_t kind, std::size_t bytes) {
  if (kind != kind_ || buffer_.size() + bytes > kBlockBytesMax)
    if (Status ok = flush(); !ok) return ok.error();
  kind_ = kind;
  buffer_.resize(buffer_.size() + bytes);
  return std::span(buffer_).last(bytes);
}

Status SnapshotWriter::add(const SnapshotEntry& entry) {
  const auto area = room(kEntries, kEntryBytes);
  if (!area) return area.error();
  put_entry(*area, entry);
  ++entries_;
  return {};
}

Status SnapshotWriter::add(const SnapshotRetained& retained) {
  const auto area = room(kRetained, kRetainedBytes);
  if (!area) return area.error();
  put_entry(*area, {retained.retained.record, retained.serial});
  put_uint(*area, kEntryBytes, retained.retained.file, 8);
  put_uint(*area, kEntryBytes + 8, static_cast<std::uint64_t>(retained.retained.replaced.unix_ms), 8);
  return {};
}

Status SnapshotWriter::add(const SnapshotDue& due) {
  const auto area = room(kDue, kDueBytes);
  if (!area) return area.error();
  put_uint(*area, 0, due.id.high, 8);
  put_uint(*area, 8, due.id.low, 8);
  put_uint(*area, 16, due.minute, 8);
  return {};
}

Status SnapshotWriter::flush() {
  if (buffer_.empty()) return {};
  const Status written = write_block(kind_, buffer_);
  buffer_.clear();
  return written;
}

Status SnapshotWriter::finish() {
  if (Status ok = flush(); !ok) return ok;
  std::array<std::byte, 8> count{};
  put_uint(count, 0, entries_, 8);
  if (Status ok = write_block(kEnd, count); !ok) return ok;
  if (Status ok = file_->sync(); !ok) return ok;
  if (Status ok = file_system_.rename(dir_ + "/" + kSnapshotDraft, dir_ + kSnapshotName); !ok) return ok;
  finished_ = true;
  for (const std::string& path : {dir_, dir_ + "/tmp"})
    if (Status ok = file_system_.sync_directory(path); !ok) return Error(Errc::kIo, ok.error().detail());
  return {};
}

Status read_snapshot(FileSystem& file_system, const std::string& dir, const SnapshotSink& sink) {
  const std::string path = dir + kSnapshotName;
  const Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kRead);
  if (!file) return file.error();
  std::uint64_t offset = 0;
  const auto corrupt = [&](const std::string& why) {
    return Error(Errc::kCorrupt, "index snapshot, offset " + std::to_string(offset) + ": " + why);
  };
  const auto read = [&](std::span<std::byte> to) -> Status {
    const Result<std::size_t> n = (*file)->read(offset, to);
    if (!n && n.error().code() == Errc::kOverloaded) return n.error();
    if (!n) return corrupt(n.error().detail());
    if (*n != to.size()) return corrupt("cut off");
    return {};
  };
  std::array<std::byte, kFileHeadBytes> file_head{};
  if (Status ok = read(file_head); !ok) return ok;
  const auto magic = std::as_bytes(std::span(kMagic));
  if (!std::equal(magic.begin(), magic.end(), file_head.begin())) return corrupt("no magic");
  if (get_uint(file_head, 8, 4) != kVersion || get_uint(file_head, 12, 4) != 0)
    return corrupt("format version " + std::to_string(get_uint(file_head, 8, 4)) + " is unknown");
  offset = kFileHeadBytes;
  std::uint64_t entries = 0;
  std::vector<std::byte> bytes;
  std::vector<SnapshotEntry> batch;
  std::vector<SnapshotRetained> retained;
  std::vector<SnapshotDue> due;
  for (std::uint64_t number = 0;; ++number) {
    std::array<std::byte, kBlockHeadBytes> head{};
    if (Status ok = read(head); !ok) return ok;
    const std::uint64_t kind = get_uint(head, 0, 4), length = get_uint(head, 4, 4);
    // A head of ten thousand segments is 240 KB; no block is near this bound.
    if (length > 64 * kBlockBytesMax || get_uint(head, 8, 8) != number) return corrupt("no block starts here");
    bytes.resize(static_cast<std::size_t>(length) + 8);
    offset += kBlockHeadBytes;
    if (Status ok = read(bytes); !ok) return ok;
    const std::span<const std::byte> payload =
        std::span<const std::byte>(bytes).first(static_cast<std::size_t>(length));
    ChecksumStream sum;
    sum.update(head);
    sum.update(payload);
    if (sum.value() != get_uint(bytes, static_cast<std::size_t>(length), 8)) return corrupt("checksum does not match");
    offset += bytes.size();
    if ((kind == kHead) != (number == 0)) return corrupt("blocks are out of order");
    if (kind == kHead) {
      SnapshotHead h;
      const std::uint64_t count = length < kHeadFieldBytes ? 0 : get_uint(payload, 32, 8);
      if (length < kHeadFieldBytes || count != (length - kHeadFieldBytes) / kSegmentBytes) return corrupt("bad head");
      h.salt = get_uint(payload, 0, 8);
      h.lsn = get_uint(payload, 8, 8);
      h.next_serial = get_uint(payload, 16, 8);
      h.next_file = get_uint(payload, 24, 8);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = kHeadFieldBytes + i * kSegmentBytes;
        h.segments.push_back({get_uint(payload, at, 8), get_uint(payload, at + 8, 8), get_uint(payload, at + 16, 8)});
      }
      sink.on_head(h);
    } else if (kind == kEntries) {
      if (length % kEntryBytes != 0) return corrupt("bad length");
      batch.clear();
      for (std::size_t at = 0; at < length; at += kEntryBytes) {
        batch.push_back(get_entry(payload.subspan(at, kEntryBytes)));
        if (!is_possible(batch.back())) return corrupt("a field is out of range");
      }
      entries += batch.size();
      sink.on_entries(batch);
    } else if (kind == kRetained) {
      if (length % kRetainedBytes != 0) return corrupt("bad length");
      retained.clear();
      for (std::size_t at = 0; at < length; at += kRetainedBytes) {
        const SnapshotEntry entry = get_entry(payload.subspan(at, kEntryBytes));
        if (!is_possible(entry)) return corrupt("a field is out of range");
        const auto replaced = static_cast<std::int64_t>(get_uint(payload, at + kEntryBytes + 8, 8));
        retained.push_back({{entry.record, get_uint(payload, at + kEntryBytes, 8), WallTime{replaced}}, entry.serial});
      }
      sink.on_retained(retained);
    } else if (kind == kDue) {
      if (length % kDueBytes != 0) return corrupt("bad length");
      due.clear();
      for (std::size_t at = 0; at < length; at += kDueBytes)
        due.push_back({{get_uint(payload, at, 8), get_uint(payload, at + 8, 8)}, get_uint(payload, at + 16, 8)});
      sink.on_due(due);
    } else if (kind == kEnd) {
      if (length != 8 || get_uint(payload, 0, 8) != entries) return corrupt("entries are missing");
      return {};
    } else {
      return corrupt("block of unknown kind");
    }
  }
}

}  // namespace brigade::store
