// A body while it arrives: in memory while it is small, in a transactional file of its own from then on.
// Source: design §6.
// Thread:  one owner at a time.
#pragma once

#include "sha256.h"
#include "staged_file.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class StagedBody final : public StagedObject {
 public:
  using MakeFile = std::function<Result<std::unique_ptr<StagedFile>>(std::uint64_t size_hint)>;
  /// `make_file` gives the file for a body that is larger than `small_bytes_max`.
  StagedBody(const ObjectId& id, std::string_view key, std::uint64_t small_bytes_max, MakeFile make_file)
      : id_(id), key_(key), small_bytes_max_(small_bytes_max), make_file_(std::move(make_file)) {}

  /// Makes room for `size_hint` bytes. Errors: of making the file.
  Status begin(std::uint64_t size_hint);
  Status write(std::span<const std::byte> bytes) override;
  Status finish() override;
  [[nodiscard]] std::uint64_t size() const override { return file_ ? file_->size() : bytes_.size(); }
  [[nodiscard]] std::uint64_t checksum() const override { return file_ ? file_->checksum() : checksum_.value(); }
  [[nodiscard]] std::array<std::byte, 32> sha256() const override { return file_ ? file_->sha256() : sha_.value(); }

  [[nodiscard]] const ObjectId& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool is_finished() const { return finished_; }
  /// Null for a small body.
  [[nodiscard]] StagedFile* file() { return file_.get(); }
  /// A small body; moved out.
  [[nodiscard]] std::vector<std::byte> take_bytes() { return std::move(bytes_); }

 private:
  Status spill(std::uint64_t size_hint);

  ObjectId id_;
  std::string key_;
  std::uint64_t small_bytes_max_;
  MakeFile make_file_;
  std::vector<std::byte> bytes_;
  ChecksumStream checksum_;
  Sha256 sha_;
  std::unique_ptr<StagedFile> file_;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace brigade::store
