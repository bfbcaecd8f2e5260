// A body while it arrives: in memory while it is small, in a transactional file of its own from then on.
// Source: design §6.
// Thread:  one owner at a time.
#pragma once

#include "body_buffer.h"
#include "staged_file.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "brigade/base/checksum.h"
#include "brigade/store/object_store.h"

namespace brigade::store {

class StagedBody final : public StagedObject {
 public:
  using MakeFile = std::function<Result<std::unique_ptr<StagedFile>>(const ObjectId&, std::string_view key,
                                                                     std::uint64_t size_hint)>;
  /// `make_file` gives the file for a body that is larger than `small_bytes_max`.
  StagedBody(std::shared_ptr<BodyPool> pool, const ObjectId& id, std::string_view key, std::uint64_t size_hint,
             std::uint64_t small_bytes_max, MakeFile make_file)
      : pool_(std::move(pool)),
        id_(id),
        key_(key),
        size_hint_(size_hint),
        small_bytes_max_(static_cast<std::size_t>(small_bytes_max)),
        make_file_(std::move(make_file)) {}

  std::span<std::byte> room() override;
  void filled(std::size_t bytes) override;
  Status write(std::span<const std::byte> bytes) override;
  Status finish() override;
  [[nodiscard]] std::uint64_t size() const override { return file_ ? file_->size() : used_; }
  /// Of a small body in one go, at its end: a stream would take memory of its own.
  [[nodiscard]] std::uint64_t checksum() const override {
    return finished_ ? checksum_ : file_ ? file_->checksum() : brigade::checksum(bytes());
  }

  [[nodiscard]] const ObjectId& id() const { return id_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  [[nodiscard]] bool is_finished() const { return finished_; }
  /// Null for a small body.
  [[nodiscard]] StagedFile* file() { return file_.get(); }
  /// What size() says of it is a small body.
  [[nodiscard]] BodyBuffer take_buffer() { return std::move(buffer_); }

 private:
  [[nodiscard]] std::span<const std::byte> bytes() const { return buffer_.bytes().first(used_); }
  /// What is here goes to a file, as all that follows.
  Status spill();

  std::shared_ptr<BodyPool> pool_;
  ObjectId id_;
  std::string key_;
  std::uint64_t size_hint_;
  std::size_t small_bytes_max_;
  MakeFile make_file_;
  BodyBuffer buffer_;
  std::size_t used_ = 0;        ///< of buffer_
  std::uint64_t checksum_ = 0;  ///< once it is finished
  std::unique_ptr<StagedFile> file_;
  bool finished_ = false;
  std::optional<Error> error_;
};

}  // namespace brigade::store
