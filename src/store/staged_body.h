// A body while it arrives: in memory while it is small, in a transactional file of its own from then on.
// Source: design §6.
// Thread:  one owner at a time.
#pragma once

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
  StagedBody(const ObjectId& id, std::string_view key, std::uint64_t size_hint, std::uint64_t small_bytes_max,
             MakeFile make_file)
      : id_(id),
        key_(key),
        size_hint_(size_hint),
        small_bytes_max_(static_cast<std::size_t>(small_bytes_max)),
        make_file_(std::move(make_file)) {}

  std::span<std::byte> room() override;
  void filled(std::size_t bytes) override;
  Status write(std::span<const std::byte> bytes) override;
  Status finish() override;
  [[nodiscard]] std::uint64_t size() const override { return file_ ? file_->size() : used_; }
  [[nodiscard]] std::uint64_t checksum() const override { return file_ ? file_->checksum() : checksum_.value(); }

  [[nodiscard]] const ObjectId& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool is_finished() const { return finished_; }
  /// Null for a small body.
  [[nodiscard]] StagedFile* file() { return file_.get(); }
  /// A small body; moved out.
  [[nodiscard]] std::vector<std::byte> take_bytes() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  /// What is here goes to a file, as all that follows.
  Status spill();

  ObjectId id_;
  std::string key_;
  std::uint64_t size_hint_;
  std::size_t small_bytes_max_;
  MakeFile make_file_;
  std::vector<std::byte> bytes_;
  std::size_t used_ = 0;  ///< of bytes_
  ChecksumStream checksum_;
  std::unique_ptr<StagedFile> file_;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace brigade::store
