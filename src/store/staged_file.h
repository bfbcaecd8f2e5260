// An object's file while it is written: temporary name, no header yet.  Source: design §6, transactional file.
// Concept: bytes pass through one bounded buffer; checksums are computed as they pass. finish() puts body and trailer
// on
//          disk, publish() the header, and then the final name. Dropped before that, the file is gone.
// Thread:  one owner at a time.
#pragma once

#include "sharing.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/store/file_system.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class StagedFile {
 public:
  struct Place {
    FileSystem& file_system;
    FailureLatch& latch;
    std::string path;                 ///< of the temporary file
    std::uint64_t reserve_bytes = 0;  ///< free space that writes must leave
  };

  /// Makes the temporary file. Errors: kNoSpace, kIo, kOverloaded.
  static Result<std::unique_ptr<StagedFile>> create(Place place, const ObjectId& id, std::string_view key,
                                                    std::uint64_t size_hint);
  ~StagedFile();
  StagedFile(const StagedFile&) = delete;
  StagedFile& operator=(const StagedFile&) = delete;

  /// As StagedObject's.
  Status write(std::span<const std::byte> bytes);
  Status finish();
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t checksum() const { return checksum_.value(); }

  [[nodiscard]] const ObjectId& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool is_finished() const { return finished_; }
  /// Puts the header on disk and gives the file its final name, which is durable once its directory is synced. A body
  /// must be finished; a tombstone has none. Errors: kNoSpace, kIo: there is no new name.
  Status publish(const ObjectMeta& meta, const std::string& path);

 private:
  StagedFile(Place place, std::unique_ptr<File> file, const ObjectId& id, std::string_view key,
             std::uint64_t size_hint);
  /// Remembers the first error; nothing but dropping helps then.
  Error fail(const Error& error);
  Status flush();
  Status put(std::span<const std::byte> bytes);
  void add_to_blocks(std::span<const std::byte> bytes);
  void close_block();

  Place place_;
  std::unique_ptr<File> file_;
  ObjectId id_;
  std::string key_;
  std::vector<std::byte> buffer_;  // what follows `flushed_` in the file
  std::size_t buffer_max_;
  std::uint64_t flushed_ = 0;        // bytes of the file written
  std::uint64_t space_checked_ = 0;  // flushed_ when free space was last looked at
  std::uint64_t size_ = 0;
  ChecksumStream checksum_;
  ChecksumStream block_;
  std::size_t block_bytes_ = 0;
  std::vector<std::byte> trailer_;
  bool finished_ = false;
  bool published_ = false;
  std::optional<Error> error_;
};

}  // namespace brigade::store
