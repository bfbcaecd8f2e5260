#include "record_check.h"

#include "object_file.h"
#include "record_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "brigade/base/checksum.h"

namespace brigade::store {
namespace {

Status read_exactly(File& file, std::uint64_t offset, std::span<std::byte> to) {
  const Result<std::size_t> n = file.read(offset, to);
  if (!n) return as_damage(n.error());
  if (*n != to.size()) return Error(Errc::kCorrupt, "the segment is cut off");
  return {};
}

}  // namespace

Status check_record(Segment& segment, std::uint64_t offset, const RecordHeader& header) {
  const std::uint64_t end = offset + header.record_bytes();
  // What a void record covers is anything.
  const bool has_body = header.kind == RecordKind::kObject;
  const std::uint64_t from = has_body ? offset + header.header_bytes() : end - kFooterBytes;
  std::vector<std::byte> bytes(static_cast<std::size_t>(end - from));
  if (Status ok = read_exactly(*segment.file, from, bytes); !ok) return ok;
  const std::span<const std::byte> all(bytes);
  if (has_body) {
    const auto body = all.first(static_cast<std::size_t>(header.body_bytes));
    if (checksum(body) != header.meta.checksum) return Error(Errc::kCorrupt, "the body does not match its checksum");
    const auto padding = all.subspan(body.size(), all.size() - body.size() - kFooterBytes);
    if (std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{0}; }))
      return Error(Errc::kCorrupt, "the body's padding is damaged");
  }
  const auto footer = decode_footer(all.last(kFooterBytes), segment.header.serial, segment.header.salt);
  if (!footer) return Error(Errc::kCorrupt, "the footer is damaged");
  if (footer->kind != header.kind || footer->lsn != header.lsn || footer->id != header.meta.id ||
      footer->revision != header.meta.revision || footer->record_bytes != header.record_bytes())
    return Error(Errc::kCorrupt, "the footer belongs to another record");
  return {};
}

Result<std::unique_ptr<File>> open_large_file(FileSystem& file_system, const std::string& path,
                                              const ObjectMeta& meta) {
  Result<std::unique_ptr<File>> file = file_system.open(path, OpenMode::kRead);
  if (!file) return file.error().code() == Errc::kNotFound ? file.error() : as_damage(file.error());
  const Result<ObjectMeta> there = read_header(**file);
  if (!there) return there.error();
  if (there->id != meta.id || there->revision != meta.revision || there->size != meta.size ||
      there->checksum != meta.checksum)
    return Error(Errc::kCorrupt, "the header belongs to another record");
  return file;
}

LargeCheck::LargeCheck(std::unique_ptr<File> file, const ObjectMeta& meta)
    : reader_(std::move(file), meta, [](std::uint64_t, const std::string&) {}), meta_(meta) {}

Result<std::unique_ptr<LargeCheck>> LargeCheck::open(FileSystem& file_system, const std::string& path,
                                                     const ObjectMeta& meta) {
  Result<std::unique_ptr<File>> file = open_large_file(file_system, path, meta);
  if (!file && file.error().code() == Errc::kNotFound) return Error(Errc::kCorrupt, "the body's file is gone");
  if (!file) return file.error();
  return std::unique_ptr<LargeCheck>(new LargeCheck(std::move(*file), meta));
}

std::uint64_t LargeCheck::offset() const {
  return at_ == 0 ? 0 : kHeaderAreaBytes + at_;
}

Result<std::uint64_t> LargeCheck::step(std::uint64_t bytes) {
  const std::uint64_t whole = std::max<std::uint64_t>(bytes / kBlockBytes, 1) * kBlockBytes;
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min(whole, meta_.size - at_)));
  if (buffer.empty()) return std::uint64_t{0};
  const Result<std::size_t> n = reader_.read(at_, buffer);
  if (!n) return n.error();
  at_ += *n;
  return std::uint64_t{*n};
}

}  // namespace brigade::store
