#include "staged_file.h"

#include "object_file.h"

#include <algorithm>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace brigade::store {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::uint64_t kSpaceCheckBytes = std::uint64_t{8} << 20;  // look at the free space this often

}  // namespace

Result<std::unique_ptr<StagedFile>> StagedFile::create(Place place, const ObjectId& id, std::string_view key,
                                                       std::uint64_t size_hint) {
  Result<std::unique_ptr<File>> file = place.file_system.open(place.path, OpenMode::kCreate);
  if (!file) return place.latch.note(file.error());
  return std::unique_ptr<StagedFile>(new StagedFile(std::move(place), std::move(*file), id, key, size_hint));
}

StagedFile::StagedFile(Place place, std::unique_ptr<File> file, const ObjectId& id, std::string_view key,
                       std::uint64_t size_hint)
    : place_(std::move(place)),
      file_(std::move(file)),
      id_(id),
      key_(key),
      // A hint is somebody's claim: it saves memory, it never asks for more than the bound.
      buffer_max_(size_hint == 0 || size_hint >= kBufferBytes
                      ? kBufferBytes
                      : static_cast<std::size_t>(std::min<std::uint64_t>(file_bytes(size_hint), kBufferBytes))) {}

StagedFile::~StagedFile() {
  if (published_) return;
  file_.reset();
  // If this fails, the next start removes the file.
  static_cast<void>(place_.file_system.remove(place_.path));
}

Error StagedFile::fail(const Error& error) {
  error_ = place_.latch.note(error);
  buffer_ = {};
  return *error_;
}

Status StagedFile::flush() {
  if (buffer_.empty()) return {};
  if (flushed_ - space_checked_ >= kSpaceCheckBytes) {
    const Result<std::uint64_t> free = place_.file_system.free_bytes(place_.path);
    if (!free) return fail(free.error());
    if (*free < place_.reserve_bytes) return fail({Errc::kNoSpace, "the disk is full down to its reserve"});
    space_checked_ = flushed_;
  }
  if (Status written = file_->write(flushed_, buffer_); !written) return fail(written.error());
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

Status StagedFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (buffer_.capacity() < buffer_max_) buffer_.reserve(buffer_max_);
    const std::size_t n = std::min(bytes.size(), buffer_max_ - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
    bytes = bytes.subspan(n);
    if (buffer_.size() < buffer_max_) continue;
    if (Status flushed = flush(); !flushed) return flushed;
  }
  return {};
}

void StagedFile::close_block() {
  std::array<std::byte, kBlockChecksumBytes> bytes{};
  put_u64(bytes, block_.value());
  trailer_.insert(trailer_.end(), bytes.begin(), bytes.end());
  block_ = ChecksumStream();
  block_bytes_ = 0;
}

void StagedFile::add_to_blocks(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t n = std::min(bytes.size(), kBlockBytes - block_bytes_);
    block_.update(bytes.first(n));
    block_bytes_ += n;
    bytes = bytes.subspan(n);
    if (block_bytes_ == kBlockBytes) close_block();
  }
}

Status StagedFile::write(std::span<const std::byte> bytes) {
  BRIGADE_CHECK(!finished_, "a write after finish()");
  if (error_) return *error_;
  if (Status ok = place_.latch.check(); !ok) return fail(ok.error());
  if (bytes.size() > limits::kObjectBytesMax - size_)
    return fail({Errc::kTooLarge, "an object has at most " + std::to_string(limits::kObjectBytesMax) + " bytes"});
  // The header's place is written with the body, so that the header itself needs no new space later.
  if (size_ == 0 && flushed_ == 0 && buffer_.empty())
    if (Status ok = put(HeaderArea{}); !ok) return ok;
  checksum_.update(bytes);
  add_to_blocks(bytes);
  size_ += bytes.size();
  return put(bytes);
}

Status StagedFile::finish() {
  BRIGADE_CHECK(!finished_, "finish() was called twice");
  if (Status ok = write({}); !ok) return ok;
  if (block_bytes_ > 0) close_block();
  if (Status ok = put(trailer_); !ok) return ok;
  if (Status ok = flush(); !ok) return ok;
  if (Status ok = file_->sync(); !ok) return fail(ok.error());
  BRIGADE_CHECK(flushed_ == file_bytes(size_), "wrote " << flushed_ << " bytes for a body of " << size_);
  buffer_ = {};
  trailer_ = {};
  finished_ = true;
  return {};
}

Status StagedFile::publish(const ObjectMeta& meta, const std::string& path) {
  BRIGADE_CHECK(finished_ || meta.tombstone, "a body that is not finished");
  if (Status ok = file_->write(0, encode_header(meta)); !ok) return fail(ok.error());
  if (Status ok = file_->sync(); !ok) return fail(ok.error());
  if (Status ok = place_.file_system.rename(place_.path, path); !ok) return fail(ok.error());
  published_ = true;
  return {};
}

}  // namespace brigade::store
