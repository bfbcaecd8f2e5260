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
  if (used_ == buffer_.bytes().size()) {
    // A hint is somebody's claim, but within the bound it is cheap to believe; and memory is touched only as bytes
    // come. One byte more, for whoever looks for the end of the body there.
    const std::size_t first = size_hint_ > 0 ? static_cast<std::size_t>(size_hint_) + 1 : kRoomMin;
    BodyBuffer larger = pool_->take(std::min(std::max(first, 2 * used_), small_bytes_max_));
    std::ranges::copy(bytes(), larger.bytes().begin());
    buffer_ = std::move(larger);
  }
  return buffer_.bytes().first(std::min(buffer_.bytes().size(), small_bytes_max_)).subspan(used_);
}

void StagedBody::filled(std::size_t bytes) {
  const std::size_t room = std::min(buffer_.bytes().size(), small_bytes_max_) - used_;
  BRIGADE_CHECK(bytes <= room, bytes << " bytes in a room of " << room);
  used_ += bytes;
}

Status StagedBody::spill() {
  Result<std::unique_ptr<StagedFile>> file = make_file_(id_, key_, size_hint_ > used_ ? size_hint_ : 0);
  if (!file) {
    error_ = file.error();
    return *error_;
  }
  file_ = std::move(*file);
  const BodyBuffer so_far = take_buffer();
  return used_ == 0 ? Status() : file_->write(so_far.bytes().first(used_));
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
  checksum_ = checksum();
  finished_ = true;
  return {};
}

}  // namespace brigade::store
