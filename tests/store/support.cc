#include "support.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <stdlib.h>

#include <catch2/catch.hpp>

#include "brigade/base/checksum.h"
#include "brigade/base/prng.h"

namespace brigade::store::testing {

Body body(std::uint64_t seed, std::size_t size) {
  Prng prng(seed);
  Body bytes(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = prng.next();
    for (std::size_t j = i; j < std::min(size, i + 8); ++j) bytes[j] = static_cast<std::byte>(word >> (8 * (j - i)));
  }
  return bytes;
}

ObjectId id_of(std::uint16_t home, std::uint64_t number) {
  return {std::uint64_t{home} << 48 | (number >> 32), number};
}

std::string key_of(const ObjectId& id) {
  return "key/" + to_string(id);
}

CommitInfo info(std::uint64_t revision, std::uint8_t level) {
  return {.revision = Revision{revision}, .level = level, .modified = WallTime{1234}, .content_type = "image/png"};
}

Result<ObjectMeta> put(ObjectStore& store, const ObjectId& id, std::uint64_t revision, const Body& bytes,
                       std::uint8_t level) {
  Result<std::unique_ptr<StagedObject>> staged = store.stage(id, key_of(id), bytes.size());
  if (!staged) return staged.error();
  const std::span<const std::byte> all(bytes);
  const std::size_t half = all.size() / 2;
  if (Status ok = (*staged)->write(all.first(half)); !ok) return ok.error();
  if (Status ok = (*staged)->write(all.subspan(half)); !ok) return ok.error();
  if (Status ok = (*staged)->finish(); !ok) return ok.error();
  return store.commit(std::move(*staged), info(revision, level));
}

Result<ObjectMeta> remove(ObjectStore& store, const ObjectId& id, std::uint64_t revision, std::uint8_t level) {
  return store.remove(id, key_of(id), info(revision, level));
}

Result<Body> read(ObjectReader& reader, std::size_t piece) {
  Body bytes;
  Body part(piece);
  for (;;) {
    const Result<std::size_t> n = reader.read(bytes.size(), part);
    if (!n) return n.error();
    if (*n == 0) return bytes;
    bytes.insert(bytes.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(*n));
  }
}

Result<Body> get(ObjectStore& store, const ObjectId& id) {
  const Result<std::unique_ptr<ObjectReader>> reader = store.open(id, key_of(id));
  if (!reader) return reader.error();
  return read(**reader);
}

void require_consistent(const ObjectStore& store, const std::vector<std::uint16_t>& homes) {
  StoreStats total;
  for (const std::uint16_t number : homes) {
    const BucketId home{number};
    std::array<Digest, 5> digests{};
    StoreStats stats;
    const std::vector<IndexEntry> all = store.list(home);
    for (const IndexEntry& entry : all) {
      REQUIRE(entry.id.high >> 48 == number);
      if (entry.tombstone) ++stats.tombstones;
      if (entry.tombstone || entry.corrupt) continue;
      digests[entry.level].add(entry.id, entry.revision);
      ++stats.objects;
      stats.bytes += entry.size;
    }
    REQUIRE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; }));
    std::size_t of_levels = 0;
    for (std::uint8_t level = 0; level < digests.size(); ++level) {
      REQUIRE(store.digest(home, level) == digests[level]);
      of_levels += store.list(home, level).size();
    }
    REQUIRE(of_levels == all.size());
    const StoreStats said = store.stats(home);
    REQUIRE(said.objects == stats.objects);
    REQUIRE(said.bytes == stats.bytes);
    REQUIRE(said.tombstones == stats.tombstones);
    total.objects += stats.objects;
    total.bytes += stats.bytes;
    total.tombstones += stats.tombstones;
  }
  const StoreStats said = store.stats();
  REQUIRE(said.objects == total.objects);
  REQUIRE(said.bytes == total.bytes);
  REQUIRE(said.tombstones == total.tombstones);
}

SegmentStoreOptions tiny_options() {
  SegmentStoreOptions options;
  options.small_bytes_max = 2048;
  options.segment_bytes_min = options.segment_bytes_max = std::uint64_t{16} << 10;
  options.step_bytes = 3000;
  options.snapshot_every_bytes = 20'000;
  options.retention = Duration{};
  options.salt = 42;
  options.clock = [] { return WallTime{5}; };
  return options;
}

int maintain_all(ObjectStore& store, int most) {
  int steps = 0;
  while (store.maintain(WallTime{}).again) {
    REQUIRE(steps < most);
    ++steps;
  }
  return steps;
}

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "brigade-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary directory");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> files_below(const std::string& dir) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir))
    if (entry.is_regular_file()) files.push_back(std::filesystem::relative(entry.path(), dir).string());
  std::sort(files.begin(), files.end());
  return files;
}

void flip_bit(const std::string& file, std::uint64_t offset, int bit) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const int byte = stream.get();
  REQUIRE(byte != std::fstream::traits_type::eof());
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(static_cast<char>(byte ^ (1 << bit)));
  REQUIRE(stream.good());
}

}  // namespace brigade::store::testing
