#include "brigade/base/inbox.h"

#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace brigade {
namespace {

TEST_CASE("who puts the first thing into an inbox wakes the owner, who takes all in the order in which it came") {
  Inbox<std::unique_ptr<int>> inbox;
  CHECK(inbox.take().empty());
  CHECK(inbox.put(std::make_unique<int>(1)));
  CHECK_FALSE(inbox.put(std::make_unique<int>(2)));
  const auto taken = inbox.take();
  REQUIRE(taken.size() == 2);
  CHECK(*taken[0] == 1);
  CHECK(*taken[1] == 2);
  CHECK(inbox.put(std::make_unique<int>(3)));
}

TEST_CASE("nothing that threads put into an inbox stays there without a wake-up") {
  constexpr int kThreads = 4, kEach = 2'000;
  Inbox<int> inbox, wake_ups;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i)
        if (inbox.put(i)) static_cast<void>(wake_ups.put(1));
    });
  std::size_t taken = 0, answered = 0;
  while (taken < std::size_t{kThreads} * kEach) {
    // As an owner does who comes only when he is woken.
    for (std::size_t left = wake_ups.take().size(); left > 0; --left, ++answered) taken += inbox.take().size();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == std::size_t{kThreads} * kEach);
  CHECK(answered <= taken);
}

}  // namespace
}  // namespace brigade
