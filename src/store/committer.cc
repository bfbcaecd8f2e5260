#include "committer.h"

#include <algorithm>
#include <functional>
#include <mutex>
#include <utility>

#include <boost/unordered/unordered_flat_set.hpp>

#include "brigade/base/check.h"

namespace brigade::store {
namespace {

using Kind = Operation::Kind;

/// What the present record means for a put or remove: nothing (go on), the record itself (already done), or an error.
Result<std::optional<ObjectMeta>> settle(const ObjectMeta& meta, const IndexRecord& present,
                                         const std::optional<ObjectMeta>& there) {
  if (there) {
    // The key first: a collision must never look like a newer revision of the same object.
    if (there->key != meta.key)
      return Error(Errc::kConflict, "another key has this object id already; store the object under another key");
    if (there->revision == meta.revision && there->checksum == meta.checksum && there->size == meta.size &&
        there->tombstone == meta.tombstone)
      return there;
  }
  const Revision revision = present.entry.revision;
  // A damaged record is repaired by its own revision.
  if (revision > meta.revision || (revision == meta.revision && there))
    return Error(Errc::kStale, "revision " + to_string(revision) + " of the object is here already");
  return std::optional<ObjectMeta>();
}

/// The record of `operation`, whose meta goes into it.
RecordHeader take_header(Operation& operation, WallTime now) {
  RecordHeader header;
  header.written = now;
  header.meta = std::move(operation.meta);
  switch (operation.kind) {
    case Kind::kPut:
      header.kind = operation.file != 0 ? RecordKind::kLarge : RecordKind::kObject;
      header.file = operation.file;
      header.body_bytes = operation.body.size();
      break;
    case Kind::kRemove:
      header.kind = RecordKind::kTombstone;
      break;
    case Kind::kForget:
      header.kind = RecordKind::kForget;
      break;
  }
  return header;
}

}  // namespace

bool Committer::report_corrupt(const ObjectId& id, Revision revision, const std::string& why,
                               const std::optional<DamagePlace>& place) {
  const std::optional<IndexRecord> record = parts_.index.find_record(id);
  if (!record || !parts_.index.mark_corrupt(id, revision)) return false;
  if (!parts_.on_corrupt) return true;
  if (place) {
    parts_.on_corrupt(place->file, place->offset, why);
    return true;
  }
  const SegmentPtr segment = parts_.log.table().get(record->at.slot);
  parts_.on_corrupt(segment ? segment->path : "a segment that is gone", record->at.offset(), why);
  return true;
}

Result<FoundRecord> Committer::read(const ObjectId& id, Access access) {
  for (;;) {
    const std::optional<IndexRecord> record = parts_.index.find_record(id);
    if (!record) return Error(Errc::kNotFound, "no such object");
    if (record->entry.corrupt)
      return Error(Errc::kCorrupt, "the record is damaged; a commit of its revision repairs it");
    SegmentPtr segment = parts_.log.table().get(record->at.slot);
    Result<RecordHeader> header = Error(Errc::kCorrupt, "the segment is gone");
    if (segment) header = read_record_header(*segment, *record, access);
    if (header) return FoundRecord{*record, std::move(segment), std::move(*header)};
    if (header.error().code() == Errc::kOverloaded || header.error().code() == Errc::kUnavailable)
      return header.error();
    // Replaced or moved between the look at the index and the read: look again. Each turn is somebody's progress.
    if (parts_.index.find_record(id) != record) continue;
    report_corrupt(id, record->entry.revision, header.error().detail());
    return Error(Errc::kCorrupt, header.error().detail());
  }
}

bool Committer::compare(Operation& operation, Access access) {
  operation.result.reset();
  for (;;) {
    const std::optional<IndexRecord> present = parts_.index.find_record(operation.meta.id);
    operation.compared = present ? present->lsn : 0;
    operation.present_file = 0;
    if (operation.kind == Kind::kForget && (!present || present->entry.revision != operation.meta.revision)) {
      operation.result = ObjectMeta{};
      return true;
    }
    if (!present || (operation.kind == Kind::kForget && !present->large)) return true;
    Result<FoundRecord> found = read(operation.meta.id, access);
    if (!found && found.error().code() == Errc::kUnavailable) return false;
    if (!found && found.error().code() == Errc::kNotFound) continue;  // forgotten meanwhile
    if (!found && found.error().code() != Errc::kCorrupt) {
      operation.result = found.error();
      return true;
    }
    std::optional<ObjectMeta> there;
    if (found) {
      operation.compared = found->record.lsn;
      operation.present_file = found->header.file;
      there = found->header.meta;
    }
    if (operation.kind == Kind::kForget) return true;
    Result<std::optional<ObjectMeta>> settled = settle(operation.meta, found ? found->record : *present, there);
    if (!settled) {
      operation.result = settled.error();
    } else if (*settled) {
      operation.result = std::move(**settled);
    }
    return true;
  }
}

/// Operations of a batch that are written together, on different objects.
struct Committer::Group {
  struct Member {
    Operation* operation;
    std::optional<IndexRecord> present;  ///< what it takes the place of
  };
  std::vector<Member> members;
  std::vector<SegmentLog::Item> items;  ///< of the member with the same number
  boost::unordered_flat_set<ObjectId, std::hash<ObjectId>> ids;
  std::uint64_t bytes = 0;
};

void Committer::commit(CommitQueue::Batch& batch) {
  {
    const std::lock_guard turn(parts_.log.turns());
    const WallTime now = clock_();
    Group group;
    group.items.reserve(batch.size());
    for (const std::unique_ptr<Operation>& operation : batch) {
      if (operation->result) continue;
      const ObjectId id = operation->meta.id;
      // One object's changes go one after the other: the second is compared with what the first has made.
      if (group.ids.contains(id)) flush(group);
      const std::optional<IndexRecord> present = parts_.index.find_record(id);
      if ((present ? present->lsn : 0) != operation->compared) compare(*operation);
      if (Status ok = parts_.latch.check(); !ok && !operation->result) operation->result = ok.error();
      if (operation->result) continue;
      SegmentLog::Item item{.header = take_header(*operation, now), .body = operation->body, .at = {}};
      const std::uint64_t needs = item.header.record_bytes();
      if (!group.items.empty() && !parts_.log.has_room(SegmentKind::kCommits, group.bytes + needs)) flush(group);
      if (group.items.empty()) {
        const auto reserve = operation->kind == Kind::kPut ? SegmentLog::Reserve::kKeep : SegmentLog::Reserve::kUse;
        if (Status room = parts_.log.make_room(SegmentKind::kCommits, needs, reserve); !room) {
          operation->result = parts_.latch.note(room.error());
          continue;
        }
      }
      group.bytes += needs;
      group.ids.insert(id);
      group.members.push_back({operation.get(), present});
      group.items.push_back(std::move(item));
    }
    flush(group);
  }
  for (const std::unique_ptr<Operation>& operation : batch) {
    BRIGADE_CHECK(operation->result.has_value(), "an operation without a result");
    if (operation->file != 0 && !operation->taken) parts_.large.doom(operation->meta.id, operation->file);
  }
}

/// Makes the operations of the group durable, then visible, and empties it.
void Committer::flush(Group& group) {
  if (group.items.empty()) return;
  const std::uint64_t first_lsn = next_lsn_;
  std::uint64_t lsn = first_lsn;
  for (SegmentLog::Item& item : group.items) {
    item.header.lsn = lsn++;
    // All that the marker is to keep away stands in segments that were opened before it was written.
    if (item.header.kind == RecordKind::kForget) item.header.barrier = parts_.log.next_serial() - 1;
  }
  const Result<std::uint64_t> end = parts_.log.append(SegmentKind::kCommits, group.items);
  if (end) {
    parts_.log.add_live(group.items.front().at, group.bytes);
    for (std::size_t i = 0; i < group.items.size(); ++i) {
      Operation& operation = *group.members[i].operation;
      apply(operation, group.items[i], group.members[i].present);
      operation.result = std::move(group.items[i].header.meta);
      operation.taken = true;
    }
    parts_.log.current(SegmentKind::kCommits)->tail = *end;
    next_lsn_ = lsn;
  } else {
    const Error error = parts_.latch.note(end.error());
    for (const Group::Member& member : group.members) member.operation->result = error;
  }
  group.members.clear();
  group.items.clear();
  group.ids.clear();
  group.bytes = 0;
}

void Committer::drop(const IndexRecord& record, std::uint64_t file) {
  parts_.log.drop_live(record.at, record.record_bytes());
  // If the record could not be read its file stays until the next start.
  if (record.large && file != 0) parts_.large.doom(record.entry.id, file);
}

void Committer::apply(const Operation& operation, const SegmentLog::Item& item,
                      const std::optional<IndexRecord>& present) {
  const ObjectMeta& meta = item.header.meta;
  if (operation.kind == Kind::kForget) {
    parts_.log.table().get(item.at.slot)->markers += item.header.record_bytes();
    // Before it is gone: whoever finds nothing finds this.
    highest_forgotten_ = std::max(highest_forgotten_.load(), meta.revision.value);
    if (const auto before = parts_.index.erase(meta.id)) drop(*before, operation.present_file);
    for (const RetainedRecord& old : parts_.retained.take_up_to(meta.id, item.header.lsn)) drop(old.record, old.file);
    return;
  }
  // Retained before it is taken from the index: compaction looks there first, and finds it in one of both.
  const bool retains = retention_ms_ > 0 && present && is_worth_retaining(*present, operation.present_file) &&
                       present->entry.revision != meta.revision;  // else it repairs what was damaged
  if (retains) parts_.retained.add({*present, operation.present_file, item.header.written});
  const bool expires = meta.expires.unix_ms > 0;
  const auto before = parts_.index.put({.entry = {.id = meta.id,
                                                  .revision = meta.revision,
                                                  .level = meta.level,
                                                  .tombstone = meta.tombstone,
                                                  .size = meta.size,
                                                  .expires = expires},
                                        .lsn = item.header.lsn,
                                        .at = item.at,
                                        .large = item.header.kind == RecordKind::kLarge,
                                        .header_units = static_cast<std::uint8_t>(item.header.header_bytes() / kUnit)});
  if (before && before->entry.corrupt) ++repaired_;
  if (before && !retains) drop(*before, operation.present_file);
  if (expires) parts_.calendar.add(meta.id, meta.expires);
}

}  // namespace brigade::store
