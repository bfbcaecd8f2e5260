#include "commit_queue.h"

#include <algorithm>
#include <utility>

namespace brigade::store {

bool CommitQueue::submit(std::unique_ptr<Operation> operation) {
  const std::lock_guard lock(mutex_);
  queue_.push_back({std::move(operation), nullptr});
  return !has_leader_ && !std::exchange(is_called_, true);
}

void CommitQueue::lead() {
  std::unique_lock lock(mutex_);
  is_called_ = false;
  if (std::exchange(has_leader_, true)) return;
  lead(lock, nullptr);
}

Result<ObjectMeta> CommitQueue::run(std::unique_ptr<Operation> operation) {
  Waiter self;
  std::unique_lock lock(mutex_);
  queue_.push_back({std::move(operation), &self});
  if (has_leader_) {
    self.changed.wait(lock, [&] { return self.result || self.leads; });
    if (self.result) return std::move(*self.result);
  }
  has_leader_ = true;
  lead(lock, &self);
  return std::move(*self.result);
}

void CommitQueue::lead(std::unique_lock<std::mutex>& lock, const Waiter* self) {
  while (!queue_.empty()) {
    Batch batch;
    std::vector<Waiter*> waiters;
    for (std::uint64_t bytes = 0; !queue_.empty() && batch.size() < limits_.operations;) {
      bytes += queue_.front().operation->size();
      if (!batch.empty() && bytes > limits_.bytes) break;
      batch.push_back(std::move(queue_.front().operation));
      waiters.push_back(queue_.front().waiter);
      queue_.pop_front();
    }
    lock.unlock();
    work_(batch);
    // All are told before anything else, so that who hears of one, and looks for more, finds the whole batch at once.
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (waiters[i] == nullptr) batch[i]->done(std::move(*batch[i]->result));
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (waiters[i] == nullptr) batch[i].reset();  // not under the lock
    lock.lock();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (waiters[i] == nullptr) continue;
      waiters[i]->result = std::move(batch[i]->result);
      waiters[i]->changed.notify_one();  // its owner can't go before the lock is free
    }
    if (self == nullptr || !self->result) continue;
    const auto next = std::find_if(queue_.begin(), queue_.end(), [](const Entry& e) { return e.waiter != nullptr; });
    if (next == queue_.end()) continue;
    next->waiter->leads = true;
    next->waiter->changed.notify_one();
    return;
  }
  has_leader_ = false;
}

}  // namespace brigade::store
