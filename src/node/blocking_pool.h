// Disk work off the event loop.
// Concept: run(f) executes f on a pool thread and resumes the caller on its own executor with f's result. The number of
//          threads bounds how many disk calls run at once; the rest wait in line. What nobody waits for (scrub, upkeep,
//          lists, copies for others) goes to threads of its own, half as many: it never stands in the way of requests.
// Thread:  any; join() once, at the end.
#pragma once

#include "thread_role.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "brigade/base/inbox.h"

namespace brigade::node {

namespace asio = boost::asio;

class BlockingPool {
 public:
  static constexpr std::size_t kWaitingMax = 1024;

  explicit BlockingPool(std::size_t threads)
      : requests_(threads, "disk"), behind_(std::max<std::size_t>(threads / 2, 1), "disk-behind") {}

  /// Requires that what f refers to lives until it has run: the coroutine that awaits is not destroyed before.
  template <class F>
  asio::awaitable<std::invoke_result_t<F>> run(F f) {
    ++waiting_;
    auto begun = [this, f = std::move(f)]() mutable {
      --waiting_;
      return f();
    };
    co_return co_await asio::co_spawn(requests_.executor(), call(std::move(begun)), asio::use_awaitable);
  }
  /// The same for work that no client waits for, or that is long.
  template <class F>
  asio::awaitable<std::invoke_result_t<F>> run_behind(F f) {
    co_return co_await asio::co_spawn(behind_.executor(), call(std::move(f)), asio::use_awaitable);
  }
  /// Calls `start(done)`, runs the work that it returns, if any, on a pool thread, and resumes the caller on its own
  /// executor with what `done` is given, from whatever thread. So whoever waits for others' writes takes no thread, and
  /// what is done together is handed over together. All callers are on the same executor.
  template <class T, class Start>
  asio::awaitable<T> complete(Start start) {
    auto initiate = [this](auto handler, Start begin) {
      // The loop must not end while this is away: it counts as its work.
      auto back = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
      auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
      auto done = [this, waiting, back](T result) {
        auto resume = [waiting, result = std::move(result)]() mutable { (*waiting)(std::move(result)); };
        if (!completed_.put(std::move(resume))) return;
        asio::post(back, [this] {
          for (const auto& each : completed_.take()) each();
        });
      };
      if (auto work = begin(std::move(done))) asio::post(requests_.executor(), std::move(work));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(std::move(initiate), asio::use_awaitable,
                                                                        std::move(start));
  }
  /// So many calls wait for a thread that whoever can do without, should.
  [[nodiscard]] bool is_crowded() const { return waiting_ >= kWaitingMax; }
  void join() {
    requests_.join();
    behind_.join();
  }

 private:
  class Threads {
   public:
    Threads(std::size_t count, const char* name) : work_(io_.get_executor()) {
      for (std::size_t i = 0; i < count; ++i)
        threads_.emplace_back([this, name] {
          take_role(ThreadRole::kData, name);
          io_.run();
        });
    }
    ~Threads() { join(); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    asio::io_context::executor_type executor() { return io_.get_executor(); }
    void join() {
      work_.reset();
      for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
    }

   private:
    asio::io_context io_;
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
  };

  template <class F>
  static asio::awaitable<std::invoke_result_t<F>> call(F f) {
    co_return f();
  }
  std::atomic<std::size_t> waiting_{0};
  Inbox<std::function<void()>> completed_;  ///< whom to resume
  Threads requests_;
  Threads behind_;
};

}  // namespace brigade::node
