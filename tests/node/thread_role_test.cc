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

TEST_CASE("the control plane's threads go before those that move data, and taking a role twice changes nothing more") {
  const int before = getpriority(PRIO_PROCESS, 0);
  if (before >= 15) return;  // nothing is left to step back to
  const int control = nice_as(ThreadRole::kControl);
  const int data = nice_as(ThreadRole::kData);
  CHECK(control < data);
  CHECK(control >= before - 10);
  CHECK(data <= before + 5);
  CHECK(getpriority(PRIO_PROCESS, 0) == before);
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
