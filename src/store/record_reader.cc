#include "record_reader.h"

#include <algorithm>
#include <utility>

#include "brigade/base/checksum.h"

namespace brigade::store {
namespace {

constexpr std::uint64_t kAtOnceBytes = 256 * 1024;  // records up to this are read with one call

Status read_exactly(Segment& segment, std::uint64_t offset, std::span<std::byte> to) {
  const Result<std::size_t> n = segment.file->read(offset, to);
  if (!n) return as_damage(n.error());
  if (*n != to.size()) return Error(Errc::kCorrupt, "the segment is cut off");
  return {};
}

Result<RecordHeader> decode_expected(Segment& segment, const IndexRecord& record, std::span<const std::byte> bytes) {
  Result<RecordHeader> header = decode_record(bytes, segment.header.serial, segment.header.salt);
  if (!header) return header;
  if (header->meta.id != record.entry.id || header->lsn != record.lsn ||
      header->record_bytes() != record.record_bytes())
    return Error(Errc::kCorrupt, "the header belongs to another record");
  if (header->kind == RecordKind::kLost) return Error(Errc::kCorrupt, "the record was found damaged earlier");
  return header;
}

}  // namespace

Error as_damage(const Error& error) {
  if (error.code() == Errc::kOverloaded) return error;
  return {Errc::kCorrupt, error.detail()};
}

Result<RecordHeader> read_record_header(Segment& segment, const IndexRecord& record, Access access) {
  std::vector<std::byte> bytes(record.header_units * kUnit);
  if (access == Access::kMemory) {
    if (!segment.file->read_cached(record.at.offset(), bytes)) return Error(Errc::kUnavailable);
  } else if (Status ok = read_exactly(segment, record.at.offset(), bytes); !ok) {
    return ok.error();
  }
  return decode_expected(segment, record, bytes);
}

RecordReader::RecordReader(SegmentPtr segment, const IndexRecord& record)
    : segment_(std::move(segment)),
      record_(record),
      size_(static_cast<std::size_t>(record.record_bytes() - kFooterBytes)),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}

Status RecordReader::take_header() {
  Result<RecordHeader> header = decode_expected(*segment_, record_, {bytes_.get(), have_});
  if (!header) return header.error();
  header_ = std::move(*header);
  return {};
}

Result<std::unique_ptr<RecordReader>> RecordReader::open(SegmentPtr segment, const IndexRecord& record,
                                                         std::function<void(const std::string&)> on_corrupt) {
  auto reader = std::unique_ptr<RecordReader>(new RecordReader(std::move(segment), record));
  reader->on_corrupt_ = std::move(on_corrupt);
  reader->have_ = reader->size_ <= kAtOnceBytes ? reader->size_ : record.header_units * std::size_t{kUnit};
  const std::span to(reader->bytes_.get(), reader->have_);
  if (Status ok = read_exactly(*reader->segment_, record.at.offset(), to); !ok) return ok.error();
  if (Status ok = reader->take_header(); !ok) return ok.error();
  return reader;
}

std::unique_ptr<RecordReader> RecordReader::open_cached(SegmentPtr segment, const IndexRecord& record) {
  if (record.record_bytes() > kAtOnceBytes) return nullptr;
  auto reader = std::unique_ptr<RecordReader>(new RecordReader(std::move(segment), record));
  const auto read = reader->segment_->file->read_cached(record.at.offset(), {reader->bytes_.get(), reader->size_});
  if (!read) return nullptr;
  reader->have_ = reader->size_;
  // What is wrong here, the slow way finds too, and reports.
  if (!reader->take_header() || !reader->verify_body()) return nullptr;
  return reader;
}

Status RecordReader::verify_body() {
  const std::size_t size = header_.header_bytes() + static_cast<std::size_t>(header_.body_bytes);
  if (have_ < size) {
    const std::span rest(bytes_.get() + have_, size - have_);
    if (Status ok = read_exactly(*segment_, record_.at.offset() + have_, rest); !ok) return ok;
    have_ = size;
  }
  if (checksum(body()) != header_.meta.checksum) return Error(Errc::kCorrupt, "the body does not match its checksum");
  verified_ = true;
  return {};
}

Result<std::size_t> RecordReader::read(std::uint64_t offset, std::span<std::byte> buffer) {
  if (offset >= header_.body_bytes) return std::size_t{0};
  if (!verified_) {
    if (Status ok = verify_body(); !ok) {
      if (ok.error().code() == Errc::kCorrupt) on_corrupt_(ok.error().detail());
      return ok.error();
    }
  }
  const auto from = body().subspan(static_cast<std::size_t>(offset));
  const std::size_t n = std::min(buffer.size(), from.size());
  std::copy_n(from.begin(), n, buffer.begin());
  return n;
}

}  // namespace brigade::store
