#include "staged_body.h"

#include <algorithm>
#include <cstring>

#include "brigade/base/check.h"

namespace brigade::store {
namespace {

constexpr std::size_t kRoomMin = 64 * 1024;

}  // namespace

std::span<std::byte> StagedBody::room() {
  BRIGADE_CHECK(!finished_, "room after finish()");
  if (file_ || error_ || size_hint_ > small_bytes_max_ || used_ == small_bytes_max_) return {};
  // A hint is somebody's claim, but within the bound it is cheap to believe; and memory is touched only as bytes come.
  // One byte more, for whoever looks for the end of the body there.
  if (bytes_.capacity() == 0) bytes_.reserve(std::min<std::size_t>(size_hint_ + 1, small_bytes_max_));
  std::size_t end = std::max(kRoomMin, 2 * used_);
  if (used_ < bytes_.capacity()) end = std::min(end, bytes_.capacity());
  end = std::min(end, small_bytes_max_);
  if (bytes_.size() < end) bytes_.resize(end);
  return std::span(bytes_).subspan(used_);
}

void StagedBody::filled(std::size_t bytes) {
  BRIGADE_CHECK(bytes <= bytes_.size() - used_, bytes << " bytes in a room of " << bytes_.size() - used_);
  checksum_.update(std::span(bytes_).subspan(used_, bytes));
  used_ += bytes;
}

Status StagedBody::spill() {
  Result<std::unique_ptr<StagedFile>> file = make_file_(size_hint_ > used_ ? size_hint_ : 0);
  if (!file) {
    error_ = file.error();
    return *error_;
  }
  file_ = std::move(*file);
  const std::vector<std::byte> so_far = take_bytes();
  return so_far.empty() ? Status() : file_->write(so_far);
}

Status StagedBody::write(std::span<const std::byte> bytes) {
  BRIGADE_CHECK(!finished_, "a write after finish()");
  if (error_) return *error_;
  while (!bytes.empty() && !file_) {
    const std::span<std::byte> here = room();
    if (here.empty()) {
      if (Status ok = spill(); !ok) return ok;
      break;
    }
    const std::size_t n = std::min(here.size(), bytes.size());
    std::memcpy(here.data(), bytes.data(), n);
    filled(n);
    bytes = bytes.subspan(n);
  }
  return bytes.empty() ? Status() : file_->write(bytes);
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
