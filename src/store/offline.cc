#include "brigade/store/offline.h"

#include "frozen_file_system.h"
#include "loaded_store.h"
#include "snapshotter.h"

#include <utility>

namespace brigade::store {
namespace {

RecordState state_of(const LoadedStore& store, const Segment& segment, const ScannedRecord& record) {
  const RecordKind kind = record.header.kind;
  if (kind == RecordKind::kForget) return RecordState::kForget;
  if (!store.is_present(segment, record)) return RecordState::kSuperseded;
  if (kind == RecordKind::kLost) return RecordState::kLost;
  return kind == RecordKind::kTombstone ? RecordState::kTombstone : RecordState::kLive;
}

std::function<void(std::uint64_t, std::uint64_t)> named(const OfflineProgress& progress, std::string_view what) {
  return [&progress, what](std::uint64_t done, std::uint64_t total) {
    if (progress) progress(what, done, total);
  };
}

}  // namespace

std::string_view name_of(RecordState state) {
  switch (state) {
    case RecordState::kLive:
      return "live";
    case RecordState::kTombstone:
      return "tombstone";
    case RecordState::kSuperseded:
      return "superseded";
    case RecordState::kForget:
      return "forget";
    case RecordState::kLost:
      return "lost";
    case RecordState::kDamaged:
      return "damaged";
  }
  return "unknown";
}

Status dump_store(FileSystem& file_system, const std::string& dir, const std::optional<ObjectId>& only,
                  const std::function<void(const DumpedRecord&)>& on_record, const OfflineProgress& progress) {
  FrozenFileSystem frozen(file_system);
  LoadedStore store(frozen, dir, [](const std::string&, std::uint64_t, const std::string&) {});
  if (Status ok = store.load(false, named(progress, "reading the index")); !ok) return ok;
  const std::vector<SegmentPtr> segments = store.parts().log.table().all();
  std::uint64_t done = 0, total = 0;
  for (const SegmentPtr& segment : segments) total += segment->header.bytes;
  for (const SegmentPtr& segment : segments) {
    const auto on_scanned = [&](const ScannedRecord& record) {
      const RecordHeader& header = record.header;
      if (header.kind == RecordKind::kVoid || (only && header.meta.id != *only)) return true;
      DumpedRecord line{.key = header.meta.key,
                        .id = header.meta.id,
                        .revision = header.meta.revision,
                        .level = header.meta.level,
                        .size = header.meta.size,
                        .lsn = header.lsn,
                        .file = segment->path,
                        .offset = record.offset,
                        .body_file = {},
                        .state = state_of(store, *segment, record)};
      if (header.kind == RecordKind::kLarge) line.body_file = store.parts().large.path_of(header.meta.id, header.file);
      on_record(line);
      return true;
    };
    const Result<ScanResult> scanned = scan_segment(*segment, {}, on_scanned);
    if (!scanned) return scanned.error();
    for (const Gap& gap : scanned->gaps) {
      if (gap.torn) continue;
      for (const auto& [offset, footer] : gap.footers) {
        if (footer.kind == RecordKind::kVoid || (only && footer.id != *only)) continue;
        on_record({.key = {},
                   .id = footer.id,
                   .revision = footer.revision,
                   .level = footer.level,
                   .lsn = footer.lsn,
                   .file = segment->path,
                   .offset = offset,
                   .body_file = {},
                   .state = RecordState::kDamaged});
      }
    }
    done += segment->header.bytes;
    if (progress) progress("reading segments", done, total);
  }
  return {};
}

Result<RebuildReport> rebuild_index(FileSystem& file_system, const std::string& dir, const OfflineProgress& progress) {
  RebuildReport report;
  LoadedStore store(file_system, dir, [&](const std::string& file, std::uint64_t offset, const std::string& reason) {
    report.damage.push_back({file, offset, reason, {}});
  });
  if (Status ok = store.load(true, named(progress, "reading segments")); !ok) return ok.error();
  Committer committer(store.parts(), [] { return WallTime{}; });
  committer.restore(store.outcome().next_lsn);
  Snapshotter snapshotter(store.parts(), committer, store.objects(), 0);
  // The old one stays until the new one is whole.
  if (Status ok = snapshotter.write_all(); !ok) return ok.error();
  const StoreStats stats = store.parts().index.stats();
  report.segments = store.parts().log.table().all().size();
  report.objects = stats.objects;
  report.tombstones = stats.tombstones;
  return report;
}

}  // namespace brigade::store
