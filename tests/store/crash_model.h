// What a store may hold after its disk failed at any moment: one state per object while all goes well, several where
// nobody was told what became of a change.
#pragma once

#include "support.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "brigade/store/memory_file_system.h"

namespace brigade::store::testing {

/// One state of one object. Its bytes follow from its id and revision.
struct Seen {
  std::uint64_t revision = 0;  // 0: no record
  bool tombstone = false;
  std::size_t size = 0;
  auto operator<=>(const Seen&) const = default;
};

enum class Kind { kPut, kRemove, kForget, kMaintain };
struct Op {
  Kind kind;
  ObjectId id;
  std::uint64_t revision = 0;
  std::size_t size = 0;
  [[nodiscard]] Seen outcome() const {
    if (kind == Kind::kForget) return {};
    if (kind == Kind::kRemove) return {.revision = revision, .tombstone = true};
    return {.revision = revision, .size = size};
  }
};

class Model {
 public:
  explicit Model(const std::vector<ObjectId>& ids) {
    for (const ObjectId& id : ids) allowed_[id] = {Seen{}};
  }
  void acknowledged(const Op& op);
  void in_doubt(const Op& op);
  [[nodiscard]] bool allows(const ObjectId& id, const Seen& seen) const { return allowed_.at(id).contains(seen); }
  /// As the running store must show it, when all that was tried was either acknowledged or without effect.
  [[nodiscard]] Seen now(const ObjectId& id) const;
  /// What was seen after a start stays.
  void settle(const ObjectId& id, const Seen& seen);

 private:
  [[nodiscard]] bool does_nothing(const Op& op) const {
    return op.kind == Kind::kMaintain || (op.kind == Kind::kForget && now(op.id).revision != op.revision);
  }
  std::map<ObjectId, std::set<Seen>> allowed_;
  std::map<ObjectId, Seen> now_;
};

/// The same few bodies are needed thousands of times.
const Body& body_of(const ObjectId& id, std::uint64_t revision, std::size_t size);

/// kMaintain: steps until there is nothing to do.
Status apply(ObjectStore& store, const Op& op);

/// The state of `id`; its bytes are compared with what its revision must have.
Seen look(ObjectStore& store, const ObjectId& id);

/// A disk with a directory /data.
std::unique_ptr<MemoryFileSystem> fresh_disk();

/// tiny_options, and damage fails the test.
SegmentStoreOptions strict_options();

/// Opens the store in /data/store on a disk that works, checks it against `model` and returns what is there.
std::map<ObjectId, Seen> reopen(MemoryFileSystem& fs, const Model& model, const std::vector<ObjectId>& ids);

}  // namespace brigade::store::testing
