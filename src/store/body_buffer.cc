#include "body_buffer.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <new>

namespace brigade::store {
namespace {

constexpr std::size_t kBytesMin = 4096;
constexpr std::align_val_t kAlignment{4096};
constexpr std::size_t kFreeBytesMax = std::size_t{16} << 20;  // as much as two batches of commits

/// Four sizes from one power of two to the next: few, and none is much more than what is needed.
std::size_t size_for(std::size_t bytes) {
  const std::size_t step = std::max(std::bit_ceil(bytes) / 8, kBytesMin);
  return (bytes + step - 1) / step * step;
}

}  // namespace

BodyBuffer::~BodyBuffer() {
  if (pool_) pool_->give_back(bytes_);
}

BodyPool::~BodyPool() {
  for (const auto& [size, buffers] : free_)
    for (std::byte* bytes : buffers) ::operator delete(bytes, kAlignment);
}

BodyBuffer BodyPool::take(std::size_t bytes) {
  const std::size_t size = size_for(bytes);
  std::byte* at = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::byte*>& buffers = free_[size];
    if (!buffers.empty()) {
      at = buffers.back();
      buffers.pop_back();
      free_bytes_ -= size;
    }
  }
  if (at == nullptr) at = static_cast<std::byte*>(::operator new(size, kAlignment));
  return {shared_from_this(), {at, size}};
}

void BodyPool::give_back(std::span<std::byte> bytes) {
  const std::lock_guard lock(mutex_);
  free_[bytes.size()].push_back(bytes.data());
  free_bytes_ += bytes.size();
  // The largest go first: a small one is worth as much, and takes less.
  while (free_bytes_ > kFreeBytesMax) {
    const auto largest = std::prev(free_.end());
    if (largest->second.empty()) {
      free_.erase(largest);
      continue;
    }
    ::operator delete(largest->second.back(), kAlignment);
    largest->second.pop_back();
    free_bytes_ -= largest->first;
  }
}

}  // namespace brigade::store
