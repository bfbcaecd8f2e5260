// Bodies that follow from a seed, temporary directories, and short ways to use a store.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "brigade/base/ids.h"
#include "brigade/store/object_store.h"
#include "brigade/store/segment_store.h"

namespace brigade::store::testing {

using Body = std::vector<std::byte>;

/// The first `size` bytes of the stream that follows from `seed`.
Body body(std::uint64_t seed, std::size_t size);

/// An id whose directory and home bucket the test chooses.
ObjectId id_of(std::uint16_t home, std::uint64_t number);
std::string key_of(const ObjectId& id);

CommitInfo info(std::uint64_t revision, std::uint8_t level = 1);

/// stage, write, finish, commit; the first error.
Result<ObjectMeta> put(ObjectStore& store, const ObjectId& id, std::uint64_t revision, const Body& bytes,
                       std::uint8_t level = 1);
Result<ObjectMeta> remove(ObjectStore& store, const ObjectId& id, std::uint64_t revision, std::uint8_t level = 1);
/// The whole body, read in pieces of `piece` bytes.
Result<Body> read(ObjectReader& reader, std::size_t piece = 100'000);
Result<Body> get(ObjectStore& store, const ObjectId& id);

/// Digests and counts say what the lists say, for all of `homes`.
void require_consistent(const ObjectStore& store, const std::vector<std::uint16_t>& homes);

/// Segments and limits so small that a few objects fill them; a clock that stands still, and no randomness.
SegmentStoreOptions tiny_options();
/// Maintenance until there is nothing left to do; how many steps did something.
int maintain_all(ObjectStore& store, int most = 10'000);

/// A directory that goes with it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

 private:
  std::string path_;
};

/// Regular files below `dir`, relative, rising.
std::vector<std::string> files_below(const std::string& dir);
/// Turns one bit over.
void flip_bit(const std::string& file, std::uint64_t offset, int bit = 0);

}  // namespace brigade::store::testing
