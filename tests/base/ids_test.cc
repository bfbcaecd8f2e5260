#include "brigade/base/ids.h"

#include <array>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "brigade/base/check.h"

namespace brigade {
namespace {

TEST_CASE("ids have the text forms that people and files see") {
  CHECK(to_string(NodeId{0x2a}) == "000000000000002a");
  CHECK(to_string(ClusterId{0xfedcba9876543210}) == "fedcba9876543210");
  CHECK(to_string(StoreId{}) == "0000000000000000");
  CHECK(to_string(BucketId{65535}) == "65535");
  CHECK(to_string(Seq{12}) == "12");
  CHECK(to_string(Incarnation{3}) == "3");
  CHECK(to_string(Epoch{7, NodeId{0xab}}) == "7.00000000000000ab");
  CHECK(to_string(Position{{7, NodeId{0xab}}, Seq{9}}) == "7.00000000000000ab/9");
  CHECK(to_string(ObjectId{1, 0xff}) == "000000000000000100000000000000ff");
  CHECK(to_string(Revision::of(Seq{5}, 2)) == "5.2");
}

TEST_CASE("a revision orders by view first, then by count, and gives both back") {
  const Revision last_of_old_view = Revision::of(Seq{4}, Revision::kCountMax);
  const Revision first_of_new_view = Revision::of(Seq{5}, 0);
  CHECK(last_of_old_view < first_of_new_view);
  CHECK(last_of_old_view.view() == Seq{4});
  CHECK(last_of_old_view.count() == Revision::kCountMax);
  CHECK(Revision::of(Seq{Revision::kViewMax}, 1).view() == Seq{Revision::kViewMax});
  CHECK_FALSE(Revision{});
  CHECK(first_of_new_view);
}

TEST_CASE("epochs order by counter before coordinator, and positions by epoch before seq") {
  CHECK(Epoch{1, NodeId{9}} < Epoch{2, NodeId{1}});
  CHECK(Epoch{2, NodeId{1}} < Epoch{2, NodeId{2}});
  CHECK(Position{{1, NodeId{1}}, Seq{100}} < Position{{2, NodeId{1}}, Seq{1}});
}

TEST_CASE("a check that fails prints place, expression and values, and ends the process") {
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    const int three = 3;
    BRIGADE_CHECK(three == 4, "three is " << three);
    _exit(0);
  }
  close(ends[1]);
  std::string printed;
  std::array<char, 256> buffer;
  for (ssize_t n = 0; (n = read(ends[0], buffer.data(), buffer.size())) > 0;)
    printed.append(buffer.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  CHECK_THAT(printed, Catch::Contains("ids_test.cc:") && Catch::Contains("three == 4: three is 3"));
}

TEST_CASE("a check that holds does not even build its message") {
  int built = 0;
  BRIGADE_CHECK(true, ++built);
  CHECK(built == 0);
}

}  // namespace
}  // namespace brigade
