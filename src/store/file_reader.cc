#include "file_reader.h"

#include "object_file.h"

#include <algorithm>
#include <utility>

#include "brigade/base/checksum.h"

namespace brigade::store {
namespace {

constexpr std::uint64_t kTrailerBlocks = 512;  // checksums read at once: for 32 MiB of body

/// A sector that can't be read is a damaged record, not a failed store: a sibling has the bytes.
Error as_damage(const Error& error) {
  if (error.code() == Errc::kOverloaded) return error;
  return {Errc::kCorrupt, error.detail()};
}

}  // namespace

Result<ObjectMeta> read_header(File& file) {
  HeaderArea area{};
  const Result<std::size_t> n = file.read(0, area);
  if (!n) return as_damage(n.error());
  Result<ObjectMeta> meta = decode_header(std::span<const std::byte>(area).first(*n));
  if (!meta) return meta;
  const Result<std::uint64_t> bytes = file.size();
  if (!bytes) return as_damage(bytes.error());
  if (*bytes != file_bytes(meta->size))
    return Error(Errc::kCorrupt, "object file has " + std::to_string(*bytes) + " bytes, its header calls for " +
                                     std::to_string(file_bytes(meta->size)));
  return meta;
}

FileReader::FileReader(std::unique_ptr<File> file, ObjectMeta meta, OnCorrupt on_corrupt)
    : file_(std::move(file)), meta_(std::move(meta)), on_corrupt_(std::move(on_corrupt)) {}

Error FileReader::corrupt(std::uint64_t offset, const std::string& why) {
  on_corrupt_(offset, why);
  return {Errc::kCorrupt, why};
}

Status FileReader::read_exactly(std::uint64_t offset, std::span<std::byte> to) {
  const Result<std::size_t> n = file_->read(offset, to);
  if (!n) {
    const Error error = as_damage(n.error());
    if (error.code() != Errc::kCorrupt) return error;
    return corrupt(offset, error.detail());
  }
  if (*n != to.size()) return corrupt(offset + *n, "object file is cut off");
  return {};
}

Result<std::uint64_t> FileReader::block_checksum(std::uint64_t block) {
  const std::uint64_t held = trailer_.size() / kBlockChecksumBytes;
  if (block < trailer_first_ || block >= trailer_first_ + held) {
    const std::uint64_t count = std::min(kTrailerBlocks, block_count(meta_.size) - block);
    std::vector<std::byte> bytes(static_cast<std::size_t>(count) * kBlockChecksumBytes);
    const std::uint64_t at = kHeaderAreaBytes + meta_.size + block * kBlockChecksumBytes;
    if (Status ok = read_exactly(at, bytes); !ok) return ok.error();
    trailer_ = std::move(bytes);
    trailer_first_ = block;
  }
  const auto at = static_cast<std::size_t>(block - trailer_first_) * kBlockChecksumBytes;
  return get_u64(std::span<const std::byte>(trailer_).subspan(at).first<kBlockChecksumBytes>());
}

Status FileReader::read_block(std::uint64_t block, std::span<std::byte> to) {
  const Result<std::uint64_t> expected = block_checksum(block);
  if (!expected) return expected.error();
  if (Status ok = read_exactly(kHeaderAreaBytes + block * kBlockBytes, to); !ok) return ok;
  if (brigade::checksum(to) != *expected)
    return corrupt(kHeaderAreaBytes + block * kBlockBytes,
                   "block " + std::to_string(block) + " of the body does not match its checksum");
  return {};
}

Result<std::size_t> FileReader::read(std::uint64_t offset, std::span<std::byte> buffer) {
  if (offset >= meta_.size) return std::size_t{0};
  const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), meta_.size - offset));
  std::size_t filled = 0;
  while (filled < wanted) {
    const std::uint64_t block = (offset + filled) / kBlockBytes;
    const std::size_t within = static_cast<std::size_t>((offset + filled) % kBlockBytes);
    const auto length =
        static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, meta_.size - block * kBlockBytes));
    const std::size_t n = std::min(length - within, wanted - filled);
    Status ok;
    if (n == length) {
      ok = read_block(block, buffer.subspan(filled, n));
    } else {
      // A part of a block can be checked only by reading all of it; small sequential reads find it here.
      if (block_.empty() || block_number_ != block) {
        block_.resize(length);
        ok = read_block(block, block_);
        if (!ok) block_.clear();
        block_number_ = block;
      }
      if (ok)
        std::copy_n(block_.begin() + static_cast<std::ptrdiff_t>(within), n,
                    buffer.begin() + static_cast<std::ptrdiff_t>(filled));
    }
    if (!ok) {
      // What was checked before the damage is good; the next read says what is wrong.
      if (filled > 0) return filled;
      return ok.error();
    }
    filled += n;
  }
  return filled;
}

}  // namespace brigade::store
