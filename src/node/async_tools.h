// Small coroutine tools: waiting for several tasks, for a key, for a moment.
// Thread:  each object belongs to one executor.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "brigade/base/ids.h"

namespace brigade::node {

namespace asio = boost::asio;

/// Starts tasks and waits for all of them. Must be awaited before it dies. A task's exception is rethrown by wait().
class TaskGroup {
 public:
  explicit TaskGroup(const asio::any_io_executor& executor) : executor_(executor), done_(executor) {}
  void spawn(asio::awaitable<void> task);
  asio::awaitable<void> wait();
  [[nodiscard]] std::size_t running() const { return running_; }

 private:
  asio::any_io_executor executor_;
  asio::steady_timer done_;
  std::size_t running_ = 0;
  std::exception_ptr failed_;
};

/// A counting gate: at most `places` holders at a time, in the order of asking.
class Gate {
 public:
  Gate(asio::any_io_executor executor, std::size_t places) : executor_(std::move(executor)), free_(places) {}
  asio::awaitable<void> enter();
  void leave();
  /// How many wait.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  asio::any_io_executor executor_;
  std::size_t free_;
  std::list<asio::steady_timer*> waiting_;
};

/// One writer per object at a time, in the order of asking (design §5 "per key in order").
class KeyLocks {
 public:
  static constexpr std::size_t kUsersMax = 128;  ///< of one key

  class Holder {
   public:
    Holder(KeyLocks& locks, ObjectId id) : locks_(&locks), id_(id) {}
    Holder(Holder&& other) noexcept : locks_(std::exchange(other.locks_, nullptr)), id_(other.id_) {}
    Holder& operator=(Holder&&) = delete;
    ~Holder() {
      if (locks_ != nullptr) locks_->release(id_);
    }

   private:
    KeyLocks* locks_;
    ObjectId id_;
  };

  explicit KeyLocks(asio::any_io_executor executor) : executor_(std::move(executor)) {}
  asio::awaitable<Holder> acquire(ObjectId id);
  /// As many wait for this one as may: whoever has a client to answer says no instead.
  [[nodiscard]] bool is_crowded(const ObjectId& id) const {
    const auto at = users_.find(id);
    return at != users_.end() && at->second >= kUsersMax;
  }

 private:
  void release(ObjectId id);
  asio::any_io_executor executor_;
  std::map<ObjectId, std::unique_ptr<Gate>> held_;
  std::map<ObjectId, std::size_t> users_;
};

/// Resumes once whatever waits for the executor had its turn. For long loops, so that no request waits for their end.
asio::awaitable<void> let_others_run();

/// Resumes after `duration`.
asio::awaitable<void> pause_for(std::chrono::nanoseconds duration);

}  // namespace brigade::node
