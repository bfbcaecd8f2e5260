// check_store: what the segments say, what stands behind it, and whether the index snapshot agrees.
#include "frozen_file_system.h"
#include "index_snapshot.h"
#include "loaded_store.h"
#include "record_check.h"
#include "record_reader.h"

#include <map>
#include <set>
#include <utility>

#include "brigade/store/offline.h"

namespace brigade::store {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20;

std::string described(const IndexRecord& record) {
  return (record.entry.tombstone ? "a tombstone, revision " : "revision ") + to_string(record.entry.revision) +
         ", lsn " + std::to_string(record.lsn);
}

class Check {
 public:
  Check(FileSystem& file_system, const std::string& dir, const OfflineProgress& progress)
      : frozen_(file_system),
        progress_(progress),
        by_segments_(frozen_, dir, [this](const auto& file, auto offset, const auto& why) { add(file, offset, why); }),
        by_index_(frozen_, dir, [this](const auto& file, auto offset, const auto& why) { add(file, offset, why); }) {}

  Result<CheckReport> run() {
    const Status loaded = by_segments_.load(true, named("reading segments"));
    if (!loaded && loaded.error().code() == Errc::kCorrupt) {
      add(by_segments_.objects() + "/segments", 0, loaded.error().detail());
      return std::move(report_);
    }
    if (!loaded) return loaded.error();
    if (Status ok = verify_all(); !ok) return ok.error();
    if (Status ok = compare(); !ok) return ok.error();
    const StoreStats stats = by_segments_.parts().index.stats();
    report_.objects = stats.objects;
    report_.tombstones = stats.tombstones;
    return std::move(report_);
  }

 private:
  std::function<void(std::uint64_t, std::uint64_t)> named(std::string_view what) {
    return [this, what](std::uint64_t done, std::uint64_t total) {
      if (progress_) progress_(what, done, total);
    };
  }
  /// Once for each place.
  void add(const std::string& file, std::uint64_t offset, const std::string& reason, const std::string& key = {}) {
    if (seen_.emplace(file, offset).second) report_.damage.push_back({file, offset, reason, key});
  }

  Status verify_all() {
    const std::vector<SegmentPtr> segments = by_segments_.parts().log.table().all();
    report_.segments = segments.size();
    for (std::uint32_t home = 0; home <= 0xffff; ++home)
      by_segments_.parts().index.visit(BucketId{static_cast<std::uint16_t>(home)}, [&](const IndexRecord& record) {
        if (record.large) total_ += record.entry.size;
      });
    for (const SegmentPtr& segment : segments) total_ += segment->used();
    for (const SegmentPtr& segment : segments) {
      Status outcome;
      const auto on_record = [&](const ScannedRecord& record) {
        if (outcome) outcome = verify(*segment, record);
        return outcome.has_value();
      };
      // Gaps were reported when the segments were read first.
      const Result<ScanResult> scanned = scan_segment(*segment, {}, on_record);
      if (!scanned) return scanned.error();
      if (!outcome) return outcome;
    }
    return {};
  }

  void advance(std::uint64_t bytes) {
    report_.bytes += bytes;
    if (progress_) progress_("verifying", std::min(report_.bytes, total_), total_);
  }

  Status verify(Segment& segment, const ScannedRecord& record) {
    const RecordHeader& header = record.header;
    const bool is_present = by_segments_.is_present(segment, record);
    ++report_.records;
    advance(header.record_bytes());
    const Status good = check_record(segment, record.offset, header);
    if (!good && good.error().code() != Errc::kCorrupt) return good;
    if (!good)
      add(segment.path, record.offset, good.error().detail() + (is_present ? "" : "; the record is superseded"),
          header.meta.key);
    if (!is_present) return {};
    if (header.kind == RecordKind::kLost)
      add(segment.path, record.offset,
          "object " + to_string(header.meta.id) + " revision " + to_string(header.meta.revision) +
              " was found damaged earlier, and not replaced yet",
          header.meta.key);
    return header.kind == RecordKind::kLarge ? verify_large(header) : Status();
  }

  Status verify_large(const RecordHeader& header) {
    const std::string path = by_segments_.parts().large.path_of(header.meta.id, header.file);
    ++report_.large_files;
    Result<std::unique_ptr<LargeCheck>> check = LargeCheck::open(frozen_, path, header.meta);
    Error error;
    std::uint64_t offset = 0;
    while (check) {
      const Result<std::uint64_t> n = (*check)->step(kPieceBytes);
      if (!n) {
        error = n.error();
        offset = (*check)->offset();
        break;
      }
      if (*n == 0) return {};
      advance(*n);
    }
    if (!check) error = check.error();
    if (error.code() != Errc::kCorrupt) return error;
    add(path, offset, error.detail(), header.meta.key);
    return {};
  }

  /// What a start with the index snapshot comes to must be what the segments say.
  Status compare() {
    const Result<FileInfo> there = frozen_.info(by_index_.objects() + kSnapshotName);
    if (!there) return there.error().code() == Errc::kNotFound ? Status() : Status(there.error());
    report_.has_snapshot = true;
    if (Status ok = by_index_.load(false, named("comparing with the index")); !ok) return ok;
    for (std::uint32_t i = 0; i <= 0xffff; ++i) {
      const BucketId home{static_cast<std::uint16_t>(i)};
      std::map<ObjectId, IndexRecord> said, indexed;
      by_segments_.parts().index.visit(home, [&](const IndexRecord& record) { said[record.entry.id] = record; });
      by_index_.parts().index.visit(home, [&](const IndexRecord& record) { indexed[record.entry.id] = record; });
      for (const auto& [id, record] : indexed)
        if (!said.contains(id))
          disagree(by_index_, record, "the index has " + described(record) + ", no segment has it");
      for (const auto& [id, record] : said) {
        const auto other = indexed.find(id);
        if (other == indexed.end()) {
          disagree(by_segments_, record, "the segments have " + described(record) + ", the index does not know it");
        } else if (!agree(record, other->second)) {
          disagree(by_segments_, record,
                   "the segments have " + described(record) + ", the index has " + described(other->second));
        }
      }
    }
    return {};
  }

  /// Of two copies of a record either may count; what is damaged says little of itself.
  static bool agree(const IndexRecord& a, const IndexRecord& b) {
    if (a.lsn != b.lsn || a.entry.revision != b.entry.revision || a.entry.level != b.entry.level) return false;
    if (a.entry.corrupt || b.entry.corrupt) return true;
    return a.entry == b.entry && a.large == b.large && a.record_bytes() == b.record_bytes();
  }

  void disagree(LoadedStore& store, const IndexRecord& record, const std::string& what) {
    const SegmentPtr segment = store.parts().log.table().get(record.at.slot);
    const Result<RecordHeader> header =
        segment ? read_record_header(*segment, record) : Result<RecordHeader>(Error(Errc::kCorrupt));
    report_.damage.push_back({segment ? segment->path : store.objects() + kSnapshotName,
                              segment ? record.at.offset() : 0, "object " + to_string(record.entry.id) + ": " + what,
                              header ? header->meta.key : std::string()});
  }

  FrozenFileSystem frozen_;
  const OfflineProgress& progress_;
  CheckReport report_;
  std::set<std::pair<std::string, std::uint64_t>> seen_;
  std::uint64_t total_ = 0;
  LoadedStore by_segments_;
  LoadedStore by_index_;
};

}  // namespace

Result<CheckReport> check_store(FileSystem& file_system, const std::string& dir, const OfflineProgress& progress) {
  return Check(file_system, dir, progress).run();
}

}  // namespace brigade::store
