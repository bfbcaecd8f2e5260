#include "loaded_store.h"

#include "brigade/store/segment_store.h"

namespace brigade::store {
namespace {

SegmentLog::Options log_options(const std::string& objects) {
  const SegmentStoreOptions defaults;
  return {.folder = {.path = objects + "/segments", .corrupt = objects + "/corrupt"},
          .segment_bytes_min = defaults.segment_bytes_min,
          .segment_bytes_max = defaults.segment_bytes_max};
}

}  // namespace

LoadedStore::LoadedStore(FileSystem& file_system, const std::string& dir, OnCorrupt on_corrupt)
    : file_system_(file_system),
      objects_(dir + "/objects"),
      on_corrupt_(std::move(on_corrupt)),
      log_(file_system, log_options(objects_)),
      large_(file_system, objects_ + "/large") {}

Status LoadedStore::load(bool ignore_snapshot, std::function<void(std::uint64_t, std::uint64_t)> on_progress) {
  const Result<FileInfo> there = file_system_.info(objects_ + "/segments");
  if (!there && there.error().code() == Errc::kNotFound)
    return Error(Errc::kNotFound,
                 "there is no store in " + objects_ + ": name the data directory of a node that has run");
  if (!there) return there.error();
  Recovery recovery(parts(),
                    {.objects = objects_, .ignore_snapshot = ignore_snapshot, .on_progress = std::move(on_progress)});
  Result<Recovery::Outcome> outcome = recovery.run();
  if (!outcome) return outcome.error();
  outcome_ = *outcome;
  return {};
}

bool LoadedStore::is_present(const Segment& segment, const ScannedRecord& record) const {
  const Location here{segment.slot, static_cast<std::uint32_t>(record.offset / kUnit)};
  const std::optional<IndexRecord> present = index_.find_record(record.header.meta.id);
  return present && present->lsn == record.header.lsn && present->at == here;
}

}  // namespace brigade::store
