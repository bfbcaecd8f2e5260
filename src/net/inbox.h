// Bytes that have arrived on a connection and are not used yet.
// Concept: one block, which grows up to a capacity as reads fill it; what is left moves to its front when room is
//          short. What waits for nothing in particular keeps only the least of it (rest).
// Thread:  one owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <boost/asio/buffer.hpp>

#include "brigade/base/check.h"

namespace brigade::net {

class Inbox {
 public:
  /// Begins with `least` bytes, and takes `capacity` at most.
  Inbox(std::size_t least, std::size_t capacity) : least_(std::min(least, capacity)), capacity_(capacity) {}
  [[nodiscard]] std::string_view view() const { return {bytes_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool full() const { return end_ - begin_ == capacity_; }
  /// Room for the next read; what view() gave before is invalid. Empty if full().
  [[nodiscard]] boost::asio::mutable_buffer room() {
    if (begin_ > 0) {
      std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (filled_) grow();
    return {bytes_.get() + end_, size_ - end_};
  }
  /// `count` bytes of room() were filled.
  void filled(std::size_t count) {
    BRIGADE_CHECK(count <= size_ - end_, count << " bytes into " << size_ - end_);
    end_ += count;
    filled_ = end_ == size_;
  }
  void consume(std::size_t count) {
    BRIGADE_CHECK(count <= end_ - begin_, count << " of " << end_ - begin_);
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  /// Nothing is expected soon: gives back what it has grown by. What view() and room() gave before is invalid.
  void rest() {
    if (!empty()) return;
    if (size_ > least_) {
      bytes_.reset();
      size_ = 0;
    }
    filled_ = size_ == 0;
  }

 private:
  void grow() {
    filled_ = false;
    const std::size_t size = std::min(std::max(least_, 4 * size_), capacity_);
    if (size == size_) return;
    auto bytes = std::make_unique_for_overwrite<char[]>(size);
    std::copy_n(bytes_.get(), end_, bytes.get());
    bytes_ = std::move(bytes);
    size_ = size;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t least_, capacity_;
  std::size_t size_ = 0;  ///< of the block
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool filled_ = true;  ///< the last read took all the room: there is more to come
};

}  // namespace brigade::net
