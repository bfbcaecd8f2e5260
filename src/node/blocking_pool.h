// Disk work off the event loop.
// Concept: run(f) executes f on a pool thread and resumes the caller on its own executor with f's result. The number of
//          threads bounds how many disk calls run at once; the rest wait in line.
// Thread:  any; join() once, at the end.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace brigade::node {

namespace asio = boost::asio;

class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : pool_(threads) {}

  /// Requires that what f refers to lives until it has run: the coroutine that awaits is not destroyed before.
  template <class F>
  asio::awaitable<std::invoke_result_t<F>> run(F f) {
    co_return co_await asio::co_spawn(pool_.get_executor(), call(std::move(f)), asio::use_awaitable);
  }
  /// Calls `start(done)`, runs the work that it returns, if any, on a pool thread, and resumes the caller on its own
  /// executor with what `done` is given, from whatever thread. So whoever waits for others' writes takes no thread.
  template <class T, class Start>
  asio::awaitable<T> complete(Start start) {
    auto initiate = [this](auto handler, Start begin) {
      // The loop must not end while this is away: it counts as its work.
      auto back = asio::prefer(asio::get_associated_executor(handler), asio::execution::outstanding_work.tracked);
      auto waiting = std::make_shared<decltype(handler)>(std::move(handler));
      auto done = [waiting, back](T result) {
        asio::post(back, [waiting, result = std::move(result)]() mutable { (*waiting)(std::move(result)); });
      };
      if (auto work = begin(std::move(done))) asio::post(pool_, std::move(work));
    };
    return asio::async_initiate<const asio::use_awaitable_t<>, void(T)>(std::move(initiate), asio::use_awaitable,
                                                                        std::move(start));
  }
  void join() { pool_.join(); }

 private:
  template <class F>
  static asio::awaitable<std::invoke_result_t<F>> call(F f) {
    co_return f();
  }
  asio::thread_pool pool_;
};

}  // namespace brigade::node
