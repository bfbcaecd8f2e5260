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

Result<RecordHeader> read_record_header(Segment& segment, const IndexRecord& record) {
  std::vector<std::byte> bytes(record.header_units * kUnit);
  if (Status ok = read_exactly(segment, record.at.offset(), bytes); !ok) return ok.error();
  return decode_expected(segment, record, bytes);
}

Result<std::unique_ptr<RecordReader>> RecordReader::open(SegmentPtr segment, const IndexRecord& record,
                                                         std::function<void(const std::string&)> on_corrupt) {
  auto reader = std::unique_ptr<RecordReader>(new RecordReader(std::move(segment), record, std::move(on_corrupt)));
  const std::uint64_t all = record.record_bytes() - kFooterBytes;
  const std::uint64_t first = all <= kAtOnceBytes ? all : record.header_units * kUnit;
  reader->bytes_.resize(static_cast<std::size_t>(first));
  if (Status ok = read_exactly(*reader->segment_, record.at.offset(), reader->bytes_); !ok) return ok.error();
  Result<RecordHeader> header = decode_expected(*reader->segment_, record, reader->bytes_);
  if (!header) return header.error();
  reader->header_ = std::move(*header);
  return reader;
}

Status RecordReader::verify_body() {
  const std::uint64_t head = header_.header_bytes();
  const auto size = static_cast<std::size_t>(head + header_.body_bytes);
  if (bytes_.size() < size) {
    const std::size_t there = bytes_.size();
    bytes_.resize(size);
    if (Status ok = read_exactly(*segment_, record_.at.offset() + there, std::span(bytes_).subspan(there)); !ok) {
      bytes_.resize(there);
      return ok;
    }
  }
  const auto body =
      std::span<const std::byte>(bytes_).subspan(static_cast<std::size_t>(head), static_cast<std::size_t>(header_.body_bytes));
  if (checksum(body) != header_.meta.checksum)
    return Error(Errc::kCorrupt, "the body does not match its checksum");
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
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), header_.body_bytes - offset));
  const auto from = bytes_.begin() + static_cast<std::ptrdiff_t>(header_.header_bytes() + offset);
  std::copy_n(from, n, buffer.begin());
  return n;
}

}  // namespace brigade::store
