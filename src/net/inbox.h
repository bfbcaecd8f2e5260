// Bytes that have arrived on a connection and are not used yet.
// Concept: one block of fixed capacity; what is left moves to its front when room is short.
// Thread:  one owner.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include <boost/asio/buffer.hpp>

#include "brigade/base/check.h"

namespace brigade::net {

class Inbox {
 public:
  explicit Inbox(std::size_t capacity)
      : bytes_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}
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
    return {bytes_.get() + end_, capacity_ - end_};
  }
  /// `count` bytes of room() were filled.
  void filled(std::size_t count) {
    BRIGADE_CHECK(count <= capacity_ - end_, count << " bytes into " << capacity_ - end_);
    end_ += count;
  }
  void consume(std::size_t count) {
    BRIGADE_CHECK(count <= end_ - begin_, count << " of " << end_ - begin_);
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace brigade::net
