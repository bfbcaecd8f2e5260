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

/// Reads and checks the header of `record`, which `segment` should hold.
/// Errors: kCorrupt (damaged, unreadable, or another record's), kOverloaded.
Result<RecordHeader> read_record_header(Segment& segment, const IndexRecord& record);

/// A small object, or a tombstone. The whole body is read and verified when the first byte of it is asked for.
class RecordReader final : public ObjectReader {
 public:
  /// Errors: as read_record_header. `on_corrupt` is told why, when a read finds damage in the body.
  static Result<std::unique_ptr<RecordReader>> open(SegmentPtr segment, const IndexRecord& record,
                                                    std::function<void(const std::string&)> on_corrupt);
  [[nodiscard]] const ObjectMeta& meta() const override { return header_.meta; }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer) override;

 private:
  RecordReader(SegmentPtr segment, const IndexRecord& record, std::function<void(const std::string&)> on_corrupt)
      : segment_(std::move(segment)), record_(record), on_corrupt_(std::move(on_corrupt)) {}
  Status verify_body();

  SegmentPtr segment_;
  IndexRecord record_;
  RecordHeader header_;
  std::function<void(const std::string&)> on_corrupt_;
  std::vector<std::byte> bytes_;  // of the record, as far as they were read
  bool verified_ = false;
};

/// A sector that can't be read is a damaged record, not a failed store: a sibling has the bytes.
Error as_damage(const Error& error);

}  // namespace brigade::store
