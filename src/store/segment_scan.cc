#include "segment_scan.h"

#include <algorithm>
#include <utility>

#include "brigade/base/checksum.h"

namespace brigade::store {
namespace {

constexpr std::size_t kWindowBytes = 256 * 1024;
constexpr std::size_t kSectorBytes = 4096;

class Scan {
 public:
  Scan(Segment& segment, const ScanLimits& limits)
      : segment_(segment),
        limits_(limits),
        window_(*segment.file, segment.header.bytes),
        end_(std::min(limits.to.value_or(segment.header.bytes), segment.header.bytes) / kUnit * kUnit) {}

  Result<ScanResult> run(const std::function<bool(const ScannedRecord&)>& on_record) {
    // Headers first: how far the segment was synced is known only at its end. Those that wait for it are few: the
    // records behind the last batch's start.
    std::uint64_t at = limits_.from;
    while (at < end_) {
      const Result<std::optional<ScannedRecord>> found = record_at(at);
      if (!found) return found.error();
      if (*found) {
        if (Status ok = take(**found, on_record); !ok) return ok.error();
        if (result_.stopped) return std::move(result_);
        at = (*found)->offset + (*found)->header.record_bytes();
        continue;
      }
      const Result<std::uint64_t> next = next_record(at + kUnit);
      if (!next) return next.error();
      if (*next == end_) break;
      if (Status ok = add_gap(at, *next); !ok) return ok.error();
      at = *next;
    }
    if (Status ok = settle(on_record); !ok) return ok.error();
    if (Status ok = look_behind_tail(); !ok) return ok.error();
    for (Gap& gap : result_.gaps) {
      gap.torn = gap.from >= synced_;
      if (gap.torn && window_.is_unreadable(gap.from, gap.to)) return unreadable(gap.from);
    }
    if (synced_ != kUnknownEnd && window_.is_unreadable(std::max(result_.tail, synced_), end_))
      return unreadable(result_.tail);
    result_.synced = std::min(synced_, result_.tail);
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t kUnknownEnd = ~std::uint64_t{0};  // sealed: all of it was synced

  Error unreadable(std::uint64_t at) const {
    return {Errc::kIo, "cannot read " + segment_.path + " near offset " + std::to_string(at) +
                           ", where its newest records are; check the disk"};
  }

  Result<std::optional<ScannedRecord>> record_at(std::uint64_t at) {
    Result<std::span<const std::byte>> bytes = window_.get(at, kRecordHeaderBytesMax);
    if (!bytes) return bytes.error();
    if (!looks_like_record(*bytes, segment_.header.serial)) return std::optional<ScannedRecord>();
    Result<RecordHeader> header = decode_record(*bytes, segment_.header.serial, segment_.header.salt);
    if (!header || header->record_bytes() > end_ - at) return std::optional<ScannedRecord>();
    return std::optional(ScannedRecord{at, std::move(*header)});
  }

  Result<std::uint64_t> next_record(std::uint64_t from) {
    for (std::uint64_t at = from; at < end_; at += kUnit) {
      Result<std::span<const std::byte>> unit = window_.get(at, kUnit);
      if (!unit) return unit.error();
      if (!looks_like_record(*unit, segment_.header.serial)) continue;
      const Result<std::optional<ScannedRecord>> found = record_at(at);
      if (!found) return found.error();
      if (*found) return at;
    }
    return end_;
  }

  Status take(const ScannedRecord& found, const std::function<bool(const ScannedRecord&)>& on_record) {
    result_.tail = found.offset + found.header.record_bytes();
    synced_ = std::max(synced_, found.header.batch);
    if (synced_ != kUnknownEnd) {
      // Those before the new point are proved; their bodies are the reader's to verify.
      for (const ScannedRecord& record : waiting_)
        if (record.offset < synced_) on_record(record);
      std::erase_if(waiting_, [&](const ScannedRecord& record) { return record.offset < synced_; });
    }
    if (synced_ == kUnknownEnd || found.offset < synced_) {
      result_.stopped = !on_record(found) && synced_ == kUnknownEnd;
    } else {
      waiting_.push_back(found);
    }
    return {};
  }

  /// The last batch: each of its records stands or falls by its own bytes.
  Status settle(const std::function<bool(const ScannedRecord&)>& on_record) {
    for (const ScannedRecord& record : waiting_) {
      const Result<bool> whole = is_whole(record);
      if (!whole) return whole.error();
      if (*whole) {
        on_record(record);
      } else {
        result_.gaps.push_back({.from = record.offset, .to = record.offset + record.header.record_bytes()});
      }
    }
    waiting_.clear();
    return {};
  }

  /// Behind the last good record there should be nothing that was ever synced.
  Status look_behind_tail() {
    // Where a segment ends is not known for sure: what a record left of itself tells.
    std::uint64_t last = result_.tail;
    for (std::uint64_t at = result_.tail; at < end_; at += kUnit) {
      Result<std::span<const std::byte>> unit = window_.get(at, kUnit);
      if (!unit) return unit.error();
      if (looks_like_record(*unit, segment_.header.serial) ||
          decode_footer(*unit, segment_.header.serial, segment_.header.salt))
        last = at + kUnit;
    }
    const bool is_known = synced_ != kUnknownEnd;
    const std::uint64_t damaged = limits_.to ? end_ : is_known ? std::min(synced_, end_) : last;
    if (damaged > result_.tail) {
      if (Status ok = add_gap(result_.tail, damaged); !ok) return ok;
      result_.tail = damaged;
    }
    result_.residue = std::max(last, result_.tail);
    return {};
  }

  Result<bool> is_whole(const ScannedRecord& record) {
    const std::uint64_t body = record.offset + record.header.header_bytes();
    if (record.header.kind == RecordKind::kObject) {
      ChecksumStream sum;
      for (std::uint64_t at = 0; at < record.header.body_bytes;) {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(kWindowBytes, record.header.body_bytes - at));
        Result<std::span<const std::byte>> bytes = window_.get(body + at, n);
        if (!bytes) return bytes.error();
        sum.update(*bytes);
        at += n;
      }
      if (sum.value() != record.header.meta.checksum) return false;
    }
    const std::uint64_t footer = record.offset + record.header.record_bytes() - kFooterBytes;
    Result<std::span<const std::byte>> bytes = window_.get(footer, kFooterBytes);
    if (!bytes) return bytes.error();
    return decode_footer(*bytes, segment_.header.serial, segment_.header.salt).has_value();
  }

  Status add_gap(std::uint64_t from, std::uint64_t to) {
    Gap gap{.from = from, .to = to};
    for (std::uint64_t at = from; at < to; at += kUnit) {
      Result<std::span<const std::byte>> unit = window_.get(at, kFooterBytes);
      if (!unit) return unit.error();
      const auto footer = decode_footer(*unit, segment_.header.serial, segment_.header.salt);
      if (!footer || footer->record_bytes > at + kFooterBytes - from) continue;
      gap.footers.emplace_back(at + kFooterBytes - footer->record_bytes, *footer);
    }
    result_.gaps.push_back(std::move(gap));
    return {};
  }

  Segment& segment_;
  ScanLimits limits_;
  FileWindow window_;
  std::uint64_t end_;
  std::uint64_t synced_ = segment_.sealed || limits_.to ? kUnknownEnd : limits_.synced;
  ScanResult result_{.tail = limits_.from};
  std::vector<ScannedRecord> waiting_;  // not proved yet
};

}  // namespace

Status FileWindow::fill(std::uint64_t offset, std::size_t bytes) {
  buffer_.resize(bytes);
  first_ = offset;
  const Result<std::size_t> n = file_.read(offset, buffer_);
  if (n) {
    std::fill(buffer_.begin() + static_cast<std::ptrdiff_t>(*n), buffer_.end(), std::byte{0});
    return {};
  }
  if (n.error().code() == Errc::kOverloaded) return n.error();
  std::fill(buffer_.begin(), buffer_.end(), std::byte{0});
  for (std::size_t at = 0; at < bytes; at += kSectorBytes) {
    const auto part = std::span(buffer_).subspan(at, std::min(kSectorBytes, bytes - at));
    const Result<std::size_t> one = file_.read(offset + at, part);
    if (one) continue;
    if (one.error().code() == Errc::kOverloaded) return one.error();
    std::fill(part.begin(), part.end(), std::byte{0});
    unreadable_.emplace_back(offset + at, offset + at + part.size());
  }
  return {};
}

Result<std::span<const std::byte>> FileWindow::get(std::uint64_t offset, std::size_t bytes) {
  const std::uint64_t to = std::min(offset + bytes, end_);
  if (offset >= to) return std::span<const std::byte>();
  if (offset < first_ || to > first_ + buffer_.size())
    if (Status ok = fill(
            offset, static_cast<std::size_t>(std::min<std::uint64_t>(std::max(bytes, kWindowBytes), end_ - offset)));
        !ok)
      return ok.error();
  return std::span<const std::byte>(buffer_).subspan(static_cast<std::size_t>(offset - first_),
                                                     static_cast<std::size_t>(to - offset));
}

bool FileWindow::is_unreadable(std::uint64_t from, std::uint64_t to) const {
  return std::any_of(unreadable_.begin(), unreadable_.end(),
                     [&](const auto& range) { return range.first < to && from < range.second; });
}

Result<ScanResult> scan_segment(Segment& segment, const ScanLimits& limits,
                                const std::function<bool(const ScannedRecord&)>& on_record) {
  return Scan(segment, limits).run(on_record);
}

}  // namespace brigade::store
