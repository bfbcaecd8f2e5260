// Small things that the threads of the store share: the failure that ends all writing, turns, and directory syncs that
// concurrent commits have in common.
// Thread:  any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "brigade/base/result.h"

namespace brigade::store {

/// Closes at the first kIo of a write and stays closed: what the kernel has dropped after a failed sync is unknown, so
/// trying again proves nothing.
class FailureLatch {
 public:
  [[nodiscard]] std::optional<std::string> reason() const {
    const std::lock_guard lock(mutex_);
    return reason_;
  }
  /// kIo once closed.
  [[nodiscard]] Status check() const {
    if (!is_closed_) return {};
    const std::lock_guard lock(mutex_);
    if (reason_) return Error(Errc::kIo, "the store takes no more writes since its disk failed: " + *reason_);
    return {};
  }
  /// What a failed write comes to. The disk being full, out of descriptors or an object too large are the caller's to
  /// handle and pass; all else (a directory that has vanished, too) is kIo and closes the latch.
  Error note(const Error& error) {
    const Errc code = error.code();
    if (code == Errc::kNoSpace || code == Errc::kOverloaded || code == Errc::kTooLarge) return error;
    const std::lock_guard lock(mutex_);
    if (!reason_) reason_ = error.detail();
    is_closed_ = true;
    return {Errc::kIo, error.detail()};
  }

 private:
  mutable std::mutex mutex_;
  std::optional<std::string> reason_;
  std::atomic<bool> is_closed_{false};
};

/// A lock that is given in the order in which it was asked for, so that a background step gets its turn under load.
class Turns {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = next_++;
    changed_.wait(lock, [&] { return serving_ == mine; });
  }
  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++serving_;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t next_ = 0, serving_ = 0;
};

/// Lets callers that need "a sync that began after now" share one.
class GroupSync {
 public:
  /// Returns what a run of `sync` said that began after this call did. An error is final: all later calls get it.
  Status run(const std::function<Status()>& sync) {
    std::unique_lock lock(mutex_);
    const std::uint64_t needed = started_ + 1;
    for (;;) {
      if (failed_) return *failed_;
      if (done_ >= needed) return {};
      if (!running_) break;
      changed_.wait(lock);
    }
    running_ = true;
    const std::uint64_t mine = ++started_;
    lock.unlock();
    const Status status = sync();
    lock.lock();
    running_ = false;
    done_ = mine;
    if (!status) failed_ = status.error();
    lock.unlock();
    changed_.notify_all();
    return status;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t started_ = 0;  // runs
  std::uint64_t done_ = 0;     // highest run that has ended
  bool running_ = false;
  std::optional<Error> failed_;
};

}  // namespace brigade::store
