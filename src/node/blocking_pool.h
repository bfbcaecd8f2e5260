// Disk work off the event loop.
// Concept: run(f) executes f on a pool thread and resumes the caller on its own executor with f's result. The number of
//          threads bounds how many disk calls run at once; the rest wait in line.
// Thread:  any; join() once, at the end.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
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
  void join() { pool_.join(); }

 private:
  template <class F>
  static asio::awaitable<std::invoke_result_t<F>> call(F f) {
    co_return f();
  }
  asio::thread_pool pool_;
};

}  // namespace brigade::node
