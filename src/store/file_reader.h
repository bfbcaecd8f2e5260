// Reads an object's file, and returns no byte that its block's checksum does not vouch for.  Source: design §5 Promise.
// Thread:  one owner at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "brigade/store/file_system.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class FileReader final : public ObjectReader {
 public:
  /// Gets where in the file a read found damage, and why.
  using OnCorrupt = std::function<void(std::uint64_t offset, const std::string& why)>;
  FileReader(std::unique_ptr<File> file, ObjectMeta meta, OnCorrupt on_corrupt);

  [[nodiscard]] const ObjectMeta& meta() const override { return meta_; }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::byte> buffer) override;

 private:
  /// Reads block number `block` into `to`, which has its exact length, and checks it.
  Status read_block(std::uint64_t block, std::span<std::byte> to);
  Result<std::uint64_t> block_checksum(std::uint64_t block);
  Status read_exactly(std::uint64_t offset, std::span<std::byte> to);
  Error corrupt(std::uint64_t offset, const std::string& why);

  std::unique_ptr<File> file_;
  ObjectMeta meta_;
  OnCorrupt on_corrupt_;
  std::vector<std::byte> trailer_;  // checksums of blocks from `trailer_first_`
  std::uint64_t trailer_first_ = 0;
  std::vector<std::byte> block_;  // the last block that was read in part, checked
  std::uint64_t block_number_ = 0;
};

/// Reads and decodes the header. Errors: kCorrupt (damaged, cut off, or unreadable), kOverloaded.
Result<ObjectMeta> read_header(File& file);

}  // namespace brigade::store
