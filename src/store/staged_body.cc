#include "staged_body.h"

#include <algorithm>

#include "brigade/base/check.h"

namespace brigade::store {

Status StagedBody::begin(std::uint64_t size_hint) {
  if (size_hint > small_bytes_max_) return spill(size_hint);
  // A hint is somebody's claim, but within the bound it is cheap to believe.
  bytes_.reserve(static_cast<std::size_t>(size_hint));
  return {};
}

Status StagedBody::spill(std::uint64_t size_hint) {
  Result<std::unique_ptr<StagedFile>> file = make_file_(size_hint);
  if (!file) {
    error_ = file.error();
    return *error_;
  }
  file_ = std::move(*file);
  const std::vector<std::byte> so_far = std::move(bytes_);
  bytes_ = {};
  return so_far.empty() ? Status() : file_->write(so_far);
}

Status StagedBody::write(std::span<const std::byte> bytes) {
  BRIGADE_CHECK(!finished_, "a write after finish()");
  if (error_) return *error_;
  if (!file_ && bytes.size() > small_bytes_max_ - bytes_.size())
    if (Status ok = spill(0); !ok) return ok;
  if (file_) return file_->write(bytes);
  checksum_.update(bytes);
  sha_.update(bytes);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

Status StagedBody::finish() {
  BRIGADE_CHECK(!finished_, "finish() was called twice");
  if (error_) return *error_;
  if (file_)
    if (Status ok = file_->finish(); !ok) return ok;
  finished_ = true;
  return {};
}

}  // namespace brigade::store
