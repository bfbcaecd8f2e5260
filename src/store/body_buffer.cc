#include "body_buffer.h"

#include <algorithm>
#include <bit>
#include <new>

namespace brigade::store {
namespace {

constexpr std::size_t kBytesMin = 4096;
constexpr std::align_val_t kAlignment{4096};
constexpr std::size_t kFreeBytesMax = std::size_t{16} << 20;  // as much as two batches of commits

}  // namespace

BodyBuffer::~BodyBuffer() {
  if (pool_) pool_->give_back(bytes_);
}

BodyPool::~BodyPool() {
  for (const std::vector<std::byte*>& buffers : free_)
    for (std::byte* bytes : buffers) ::operator delete(bytes, kAlignment);
}

BodyBuffer BodyPool::take(std::size_t bytes) {
  const std::size_t size = std::bit_ceil(std::max(bytes, kBytesMin));
  std::byte* at = nullptr;
  {
    const std::lock_guard lock(mutex_);
    std::vector<std::byte*>& buffers = free_[static_cast<std::size_t>(std::countr_zero(size))];
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
  {
    const std::lock_guard lock(mutex_);
    if (free_bytes_ + bytes.size() <= kFreeBytesMax) {
      free_[static_cast<std::size_t>(std::countr_zero(bytes.size()))].push_back(bytes.data());
      free_bytes_ += bytes.size();
      return;
    }
  }
  ::operator delete(bytes.data(), kAlignment);
}

}  // namespace brigade::store
