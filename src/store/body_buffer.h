// Memory for the bodies of small objects on their way to a segment.  Source: design §6.
// Concept: a buffer that was used goes back to the pool with its pages and comes again as it is: fresh memory of 64 KiB
//          costs sixteen page faults, and one thread takes what another gives back. Aligned, and records lie at
//          multiples of 64, so that no copy goes to a place just behind where it comes from (modulo 4096): the
//          processor takes the one for the other, and waits.
// Thread:  pool: any thread; buffer: one owner at a time. A buffer may outlive the store, which shares the pool.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace brigade::store {

class BodyPool;

class BodyBuffer {
 public:
  BodyBuffer() = default;
  BodyBuffer(std::shared_ptr<BodyPool> pool, std::span<std::byte> bytes) : pool_(std::move(pool)), bytes_(bytes) {}
  ~BodyBuffer();
  BodyBuffer(BodyBuffer&& other) noexcept : pool_(std::move(other.pool_)), bytes_(std::exchange(other.bytes_, {})) {}
  BodyBuffer& operator=(BodyBuffer&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  BodyBuffer(const BodyBuffer&) = delete;
  BodyBuffer& operator=(const BodyBuffer&) = delete;

  /// What nobody has written yet holds anything.
  [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

 private:
  std::shared_ptr<BodyPool> pool_;
  std::span<std::byte> bytes_;
};

class BodyPool : public std::enable_shared_from_this<BodyPool> {
 public:
  BodyPool() = default;
  ~BodyPool();
  BodyPool(const BodyPool&) = delete;
  BodyPool& operator=(const BodyPool&) = delete;

  /// At least `bytes`, and at most a quarter or 4 KiB more.
  [[nodiscard]] BodyBuffer take(std::size_t bytes);
  /// Of all that waits to be used again; bounded.
  [[nodiscard]] std::size_t free_bytes() const {
    const std::lock_guard lock(mutex_);
    return free_bytes_;
  }

 private:
  friend class BodyBuffer;
  void give_back(std::span<std::byte> bytes);

  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;  ///< by size
  std::size_t free_bytes_ = 0;
};

}  // namespace brigade::store
