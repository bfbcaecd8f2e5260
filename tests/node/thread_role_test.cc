#include "thread_role.h"

#include <pthread.h>
#include <string>
#include <sys/resource.h>
#include <thread>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

int nice_as(ThreadRole role) {
  int nice = 0;
  std::thread([&] {
    take_role(role);
    take_role(role);
    nice = getpriority(PRIO_PROCESS, 0);
  }).join();
  return nice;
}

/// Whether this process may let a thread go first.
bool is_allowed() {
  bool allowed = false;
  std::thread([&] { allowed = setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) - 10) == 0; }).join();
  return allowed;
}

TEST_CASE(
    "the control plane's threads go first where the system lets them, and those that move data stay as they were") {
  const int before = getpriority(PRIO_PROCESS, 0);
  const bool allowed = is_allowed();
  CHECK(nice_as(ThreadRole::kData) == before);
  CHECK(nice_as(ThreadRole::kControl) == (allowed ? before - 10 : before));
  CHECK(getpriority(PRIO_PROCESS, 0) == before);
}

TEST_CASE("a thread that moves data does not go first because one that does has started it") {
  const int before = getpriority(PRIO_PROCESS, 0);
  int nice = -100;
  std::thread([&] {
    take_role(ThreadRole::kControl);
    nice = nice_as(ThreadRole::kData);
  }).join();
  CHECK(nice == before);
}

TEST_CASE("a role can be given a name that tools show") {
  std::thread([] {
    take_role(ThreadRole::kData, "some-data");
    char name[16] = {};
    CHECK(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    CHECK(std::string(name) == "some-data");
  }).join();
}

}  // namespace
}  // namespace brigade::node
