// Runs one coroutine to its end, with a bound.
#pragma once

#include <chrono>
#include <exception>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

namespace brigade::net::testing {

inline void run(boost::asio::io_context& io, boost::asio::awaitable<void> coroutine) {
  bool done = false;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(coroutine), [&](std::exception_ptr e) {
    thrown = e;
    done = true;
  });
  io.restart();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!done && std::chrono::steady_clock::now() < end) io.run_one_until(end);
  if (thrown) std::rethrow_exception(thrown);
  REQUIRE(done);
}

}  // namespace brigade::net::testing
