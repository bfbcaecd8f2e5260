#include "crash_model.h"

#include <catch2/catch.hpp>

namespace brigade::store::testing {

void Model::acknowledged(const Op& op) {
  if (does_nothing(op)) return;
  allowed_[op.id] = {op.outcome()};
  now_[op.id] = op.outcome();
}

void Model::in_doubt(const Op& op) {
  if (!does_nothing(op)) allowed_[op.id].insert(op.outcome());
}

Seen Model::now(const ObjectId& id) const {
  const auto found = now_.find(id);
  return found == now_.end() ? Seen{} : found->second;
}

void Model::settle(const ObjectId& id, const Seen& seen) {
  allowed_[id] = {seen};
  now_[id] = seen;
}

const Body& body_of(const ObjectId& id, std::uint64_t revision, std::size_t size) {
  static std::map<std::pair<std::uint64_t, std::size_t>, Body> known;
  const std::uint64_t seed = revision * 1000 + id.low;
  const auto [at, is_new] = known.try_emplace({seed, size});
  if (is_new) at->second = body(seed, size);
  return at->second;
}

Status apply(ObjectStore& store, const Op& op) {
  switch (op.kind) {
    case Kind::kPut: {
      const Result<ObjectMeta> meta = put(store, op.id, op.revision, body_of(op.id, op.revision, op.size));
      return meta ? Status() : Status(meta.error());
    }
    case Kind::kRemove: {
      const Result<ObjectMeta> meta = remove(store, op.id, op.revision);
      return meta ? Status() : Status(meta.error());
    }
    case Kind::kForget:
      return store.forget(op.id, Revision{op.revision});
    case Kind::kMaintain:
      maintain_all(store);
      break;
  }
  return {};
}

Seen look(ObjectStore& store, const ObjectId& id) {
  const std::optional<IndexEntry> entry = store.find(id);
  if (!entry) {
    REQUIRE(store.open(id).error().code() == Errc::kNotFound);
    return {};
  }
  REQUIRE_FALSE(entry->corrupt);
  if (entry->tombstone) {
    REQUIRE(get(store, id).error().code() == Errc::kNotFound);
    return {.revision = entry->revision.value, .tombstone = true};
  }
  const Seen seen{.revision = entry->revision.value, .size = static_cast<std::size_t>(entry->size)};
  const auto bytes = get(store, id);
  REQUIRE(bytes);
  REQUIRE(*bytes == body_of(id, seen.revision, seen.size));
  return seen;
}

std::unique_ptr<MemoryFileSystem> fresh_disk() {
  auto fs = std::make_unique<MemoryFileSystem>();
  REQUIRE(fs->make_directory("/data"));
  REQUIRE(fs->sync_directory("/"));
  return fs;
}

SegmentStoreOptions strict_options() {
  SegmentStoreOptions options = tiny_options();
  options.on_corrupt = [](const std::string& file, std::uint64_t offset, const std::string& reason) {
    FAIL(file << " at " << offset << " reported corrupt: " << reason);
  };
  return options;
}

std::map<ObjectId, Seen> reopen(MemoryFileSystem& fs, const Model& model, const std::vector<ObjectId>& ids) {
  auto store = open_segment_store(fs, "/data/store", strict_options());
  INFO(store);
  REQUIRE(store);
  std::set<std::uint16_t> homes;
  for (const ObjectId& id : ids) homes.insert(static_cast<std::uint16_t>(id.high >> 48));
  require_consistent(**store, {homes.begin(), homes.end()});
  std::map<ObjectId, Seen> all;
  for (const ObjectId& id : ids) {
    const Seen seen = look(**store, id);
    INFO(to_string(id) << " at revision " << seen.revision << (seen.tombstone ? ", deleted" : "") << ", should be "
                       << model.now(id).revision);
    REQUIRE(model.allows(id, seen));
    all[id] = seen;
  }
  REQUIRE(fs.list("/data/store/objects/tmp")->empty());
  REQUIRE(fs.list("/data/store/objects/corrupt")->empty());
  return all;
}

}  // namespace brigade::store::testing
