#include "async_tools.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::node {

namespace {
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
}

void TaskGroup::spawn(asio::awaitable<void> task) {
  ++running_;
  asio::co_spawn(executor_, std::move(task), [this](const std::exception_ptr& error) {
    if (error && !failed_) failed_ = error;
    if (--running_ == 0) done_.cancel();
  });
}

asio::awaitable<void> TaskGroup::wait() {
  while (running_ > 0) {
    done_.expires_at(asio::steady_timer::time_point::max());
    co_await done_.async_wait(kUse);
  }
  if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
}

asio::awaitable<void> Gate::enter() {
  if (free_ > 0 && waiting_.empty()) {
    --free_;
    co_return;
  }
  asio::steady_timer turn(executor_, asio::steady_timer::time_point::max());
  waiting_.push_back(&turn);
  // Whoever leaves hands its place to the one that it wakes.
  while (turn.expiry() == asio::steady_timer::time_point::max()) co_await turn.async_wait(kUse);
}

void Gate::leave() {
  if (waiting_.empty()) {
    ++free_;
    return;
  }
  asio::steady_timer* turn = waiting_.front();
  waiting_.pop_front();
  turn->expires_at(asio::steady_timer::time_point::min());
}

asio::awaitable<KeyLocks::Holder> KeyLocks::acquire(ObjectId id) {
  auto& gate = held_[id];
  if (!gate) gate = std::make_unique<Gate>(executor_, 1);
  ++users_[id];
  co_await gate->enter();
  co_return Holder(*this, id);
}

void KeyLocks::release(ObjectId id) {
  held_[id]->leave();
  if (--users_[id] > 0) return;
  users_.erase(id);
  held_.erase(id);
}

asio::awaitable<void> let_others_run() {
  co_await asio::post(asio::use_awaitable);
}

asio::awaitable<void> pause_for(std::chrono::nanoseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor,
                           std::chrono::duration_cast<asio::steady_timer::duration>(duration));
  co_await timer.async_wait(kUse);
}

}  // namespace brigade::node
