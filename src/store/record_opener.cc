#include "record_opener.h"

#include "file_reader.h"
#include "record_check.h"
#include "record_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace brigade::store {

Result<std::unique_ptr<ObjectReader>> RecordOpener::open_large(const FoundRecord& found) {
  const ObjectMeta& meta = found.header.meta;
  const std::string path = parts_.large.path_of(meta.id, found.header.file);
  Result<std::unique_ptr<File>> file = open_large_file(parts_.file_system, path, meta);
  if (!file) return Error(file.error().code(), path + ": " + file.error().detail());
  FileReader::OnCorrupt on_corrupt = [this, id = meta.id, revision = meta.revision, path](std::uint64_t offset,
                                                                                          const std::string& why) {
    committer_.report_corrupt(id, revision, why, DamagePlace{path, offset});
  };
  return std::unique_ptr<ObjectReader>(std::make_unique<FileReader>(std::move(*file), meta, std::move(on_corrupt)));
}

Result<std::unique_ptr<ObjectReader>> RecordOpener::open_small(const IndexRecord& record) {
  SegmentPtr segment = parts_.log.table().get(record.at.slot);
  if (!segment) return Error(Errc::kCorrupt, "the segment is gone");
  Result<std::unique_ptr<RecordReader>> reader =
      RecordReader::open(std::move(segment), record,
                         [this, id = record.entry.id, revision = record.entry.revision](const std::string& why) {
                           committer_.report_corrupt(id, revision, why);
                         });
  if (!reader) return reader.error();
  return std::unique_ptr<ObjectReader>(std::move(*reader));
}

std::unique_ptr<ObjectReader> RecordOpener::open_cached(const ObjectId& id) {
  const std::optional<IndexRecord> record = parts_.index.find_record(id);
  if (!record || record->entry.corrupt || record->entry.tombstone || record->large) return nullptr;
  SegmentPtr segment = parts_.log.table().get(record->at.slot);
  return segment ? RecordReader::open_cached(std::move(segment), *record) : nullptr;
}

Result<std::unique_ptr<ObjectReader>> RecordOpener::open(const ObjectId& id) {
  for (;;) {
    const std::optional<IndexRecord> record = parts_.index.find_record(id);
    if (!record) return Error(Errc::kNotFound, "no such object");
    if (record->entry.corrupt)
      return Error(Errc::kCorrupt, "the record is damaged; a commit of its revision repairs it");
    Result<std::unique_ptr<ObjectReader>> reader = Error(Errc::kInternal);
    if (record->large) {
      const Result<FoundRecord> found = committer_.read(id);
      if (!found) return found.error();
      if (found->record != *record) continue;
      reader = open_large(*found);
    } else {
      reader = open_small(*record);
    }
    if (reader || reader.error().code() == Errc::kOverloaded) return reader;
    // Superseded or moved between the look at the index and the open: look again. Each turn is somebody's progress.
    if (parts_.index.find_record(id) != record) continue;
    committer_.report_corrupt(id, record->entry.revision, reader.error().detail());
    return Error(Errc::kCorrupt, reader.error().detail());
  }
}

Result<std::unique_ptr<ObjectReader>> RecordOpener::open_retained(const ObjectId& id, Revision revision) {
  for (;;) {
    const std::vector<RetainedRecord> all = parts_.retained.list(id);
    const auto found =
        std::ranges::find_if(all, [&](const RetainedRecord& r) { return r.record.entry.revision == revision; });
    if (found == all.end()) return Error(Errc::kNotFound, "no such revision is retained here");
    const IndexRecord& record = found->record;
    const SegmentPtr segment = parts_.log.table().get(record.at.slot);
    Result<std::unique_ptr<ObjectReader>> reader = Error(Errc::kCorrupt, "the segment is gone");
    if (segment && record.large) {
      Result<RecordHeader> header = read_record_header(*segment, record);
      reader = header ? open_large({record, segment, std::move(*header)})
                      : Result<std::unique_ptr<ObjectReader>>(header.error());
    } else if (segment) {
      reader = open_small(record);
    }
    if (reader || reader.error().code() == Errc::kOverloaded) return reader;
    // Moved, or its time over, between the look at the index and the open: look again.
    if (parts_.retained.find(id, record.lsn) == *found) return reader;
  }
}

}  // namespace brigade::store
