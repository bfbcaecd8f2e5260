// A store's parts as a start finds them, without anybody who serves from them: for tools on a stopped node.
// Thread:  the caller's.
#pragma once

#include "recovery.h"

#include <string>
#include <utility>

namespace brigade::store {

class LoadedStore {
 public:
  using OnCorrupt = std::function<void(const std::string& file, std::uint64_t offset, const std::string& reason)>;
  LoadedStore(FileSystem& file_system, const std::string& dir, OnCorrupt on_corrupt);

  /// Once. Errors: as Recovery::run.
  Status load(bool ignore_snapshot, std::function<void(std::uint64_t, std::uint64_t)> on_progress);

  [[nodiscard]] const std::string& objects() const { return objects_; }
  [[nodiscard]] const Recovery::Outcome& outcome() const { return outcome_; }
  StoreParts parts() { return {file_system_, log_, index_, retained_, calendar_, large_, latch_, on_corrupt_}; }
  /// True if the index points to the record there.
  [[nodiscard]] bool is_present(const Segment& segment, const ScannedRecord& record) const;

 private:
  FileSystem& file_system_;
  std::string objects_;
  OnCorrupt on_corrupt_;
  FailureLatch latch_;
  ContentIndex index_;
  RetainedIndex retained_;
  ExpiryCalendar calendar_;
  SegmentLog log_;
  LargeFiles large_;
  Recovery::Outcome outcome_;
};

}  // namespace brigade::store
