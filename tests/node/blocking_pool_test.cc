#include "blocking_pool.h"

#include "node/fakes.h"

#include <cstddef>
#include <future>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

using testing::run_to_end;

asio::awaitable<void> run_one(BlockingPool& pool, int& result) {
  auto work = [] { return 42; };
  result = co_await pool.run(std::move(work));
}

TEST_CASE("what nobody waits for takes no thread from what somebody does, however much of it there is") {
  BlockingPool pool(1);
  asio::io_context io;
  asio::io_context background;
  std::promise<void> over;
  const std::shared_future<void> held = over.get_future().share();
  int ended = 0;
  auto hold = [](BlockingPool& of, std::shared_future<void> until, int& count) -> asio::awaitable<void> {
    auto work = [until] { until.wait(); };
    co_await of.run_behind(std::move(work));
    ++count;
  };
  for (int i = 0; i < 10; ++i) asio::co_spawn(background, hold(pool, held, ended), asio::detached);
  background.poll();
  int result = 0;
  run_to_end(io, run_one(pool, result));
  CHECK(result == 42);
  CHECK(ended == 0);
  over.set_value();
  background.restart();
  background.run();
  CHECK(ended == 10);
}

TEST_CASE("a pool says that it is crowded while as many calls wait as may") {
  BlockingPool pool(1);
  asio::io_context io;
  std::promise<void> over;
  const std::shared_future<void> held = over.get_future().share();
  auto hold = [](BlockingPool& of, std::shared_future<void> until) -> asio::awaitable<void> {
    auto work = [until] { until.wait(); };
    co_await of.run(std::move(work));
  };
  // One is being done, and perhaps not yet.
  for (std::size_t i = 0; i < BlockingPool::kWaitingMax; ++i) {
    CHECK_FALSE(pool.is_crowded());
    asio::co_spawn(io, hold(pool, held), asio::detached);
    io.poll();
  }
  asio::co_spawn(io, hold(pool, held), asio::detached);
  io.poll();
  CHECK(pool.is_crowded());
  over.set_value();
  io.restart();
  io.run();
  CHECK_FALSE(pool.is_crowded());
}

}  // namespace
}  // namespace brigade::node
