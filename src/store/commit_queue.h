// Lets concurrent commits share one write and one sync.  Source: design §6, group commit.
// Concept: whoever finds nobody at work takes all that waits, as one batch, and goes on until nothing waits. So a
//          commit on an idle store waits for nobody, and the busier the disk, the larger the batches. A thread that
//          waits for its own commit hands the work on to another that waits as soon as it has its result.
// Thread:  any thread.
#pragma once

#include "body_buffer.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "brigade/store/object_store.h"

namespace brigade::store {

/// One change that waits for its turn.
struct Operation {
  enum class Kind : std::uint8_t { kPut, kRemove, kForget };
  Kind kind = Kind::kPut;
  ObjectMeta meta;                  ///< kForget: id and revision; once it is in the log, the id alone
  std::span<const std::byte> body;  ///< of a small object; in `buffer`
  BodyBuffer buffer;
  std::uint64_t file = 0;  ///< of a large object's body, 0 for others
  /// The record that the caller compared with: its lsn, 0 if there was none. If it is still there, nothing need be
  /// compared again.
  std::uint64_t compared = 0;
  std::uint64_t present_file = 0;  ///< of that record, if it is a large object's

  bool taken = false;                        ///< it is in the log
  std::optional<Result<ObjectMeta>> result;  ///< set by the work
  ObjectStore::Done done;                    ///< called with it; not set for who waits

  [[nodiscard]] std::uint64_t size() const { return body.size() + meta.key.size() + 512; }
};

class CommitQueue {
 public:
  using Batch = std::vector<std::unique_ptr<Operation>>;
  struct Limits {
    std::uint64_t bytes = 0;
    std::size_t operations = 0;
  };
  /// `work` sets the result of each operation of a batch; it is called by one thread at a time.
  CommitQueue(Limits limits, std::function<void(Batch&)> work) : limits_(limits), work_(std::move(work)) {}

  /// True if nobody is at work: the caller must see to it that some thread leads.
  [[nodiscard]] bool submit(std::unique_ptr<Operation> operation);
  /// Works until nothing waits.
  void lead();
  Result<ObjectMeta> run(std::unique_ptr<Operation> operation);

 private:
  struct Waiter {
    std::condition_variable changed;
    std::optional<Result<ObjectMeta>> result;
    bool leads = false;
  };
  struct Entry {
    std::unique_ptr<Operation> operation;
    Waiter* waiter = nullptr;  ///< on the stack of who waits
  };
  void lead(std::unique_lock<std::mutex>& lock, const Waiter* self);

  Limits limits_;
  std::function<void(Batch&)> work_;
  std::mutex mutex_;
  std::deque<Entry> queue_;
  bool has_leader_ = false;
  /// Somebody is to lead, and isn't yet: perhaps because all threads that could are here, so these don't wait for it.
  bool is_called_ = false;
};

}  // namespace brigade::store
