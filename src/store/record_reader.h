// Reads records that the index points to, and returns no byte that a checksum does not vouch for.
// Source: design §5 Promise, §6 Reads.
// Thread:  one owner at a time; functions: any thread.
#pragma once

#include "content_index.h"
#include "segment.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/store/object_store.h"

namespace brigade::store {

/// Whether the disk may be waited for.
enum class Access : std::uint8_t { kDisk, kMemory };

/// Reads and checks the header of `record`, which `segment` should hold.
/// Errors: kCorrupt (damaged, unreadable, or another record's), kOverloaded, kUnavailable (it is not in memory).
Result<RecordHeader> read_record_header(Segment& segment, const IndexRecord& record, Access access = Access::kDisk);

/// A small object, or a tombstone. The whole body is read and verified when the first byte of it is asked for.
class RecordReader final : public ObjectReader {
 public:
  /// Errors: as read_record_header. `on_corrupt` is told why, when a read finds damage in the body.
  static Result<std::unique_ptr<RecordReader>> open(SegmentPtr segment, const IndexRecord& record,
                                                    std::function<void(const std::string&)> on_corrupt);
  /// Reads and checks all of it if it is in memory; none if it is not, or is damaged.
  static std::unique_ptr<RecordReader> open_cached(SegmentPtr segment, const IndexRecord& record);
  [[nodiscard]] const ObjectMeta& meta() const override { return header_.meta; }
  [[nodiscard]] std::span<const std::byte> in_memory() const override {
    return verified_ ? body() : std::span<const std::byte>();
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer) override;

 private:
  RecordReader(SegmentPtr segment, const IndexRecord& record);
  Status take_header();
  Status verify_body();
  [[nodiscard]] std::span<const std::byte> body() const {
    return {bytes_.get() + header_.header_bytes(), static_cast<std::size_t>(header_.body_bytes)};
  }

  SegmentPtr segment_;
  IndexRecord record_;
  RecordHeader header_;
  std::function<void(const std::string&)> on_corrupt_;
  std::size_t size_;  // of the record without its footer
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t have_ = 0;  // of them, read
  bool verified_ = false;
};

/// A sector that can't be read is a damaged record, not a failed store: a sibling has the bytes.
Error as_damage(const Error& error);

}  // namespace brigade::store
