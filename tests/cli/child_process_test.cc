#include "child_process.h"

#include "temp_dir.h"

#include <signal.h>

#include <catch2/catch.hpp>

namespace brigade::cli {

TEST_CASE("a child's end is told with its exit code, and its output is in the log") {
  const test::TempDir dir;
  block_signals();
  const auto pid = start_child({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"}, dir / "log");
  REQUIRE(pid);
  const auto event = wait_for_event(std::chrono::seconds{10});
  REQUIRE(event.kind == ChildEvent::Kind::kEnded);
  CHECK(event.pid == *pid);
  CHECK(event.how == "exited with 3");
  CHECK(test::read_file(dir / "log") == "out\nerr\n");
}

TEST_CASE("a child that was killed is told by its signal") {
  const test::TempDir dir;
  block_signals();
  const auto pid = start_child({"/bin/cat", "/dev/zero"}, "/dev/null");
  REQUIRE(pid);
  CHECK(wait_for_event(std::chrono::milliseconds{1}).kind == ChildEvent::Kind::kTimeout);
  REQUIRE(kill(*pid, SIGKILL) == 0);
  const auto event = wait_for_event(std::chrono::seconds{10});
  REQUIRE(event.kind == ChildEvent::Kind::kEnded);
  CHECK(event.how == "was killed by signal 9");
}

TEST_CASE("a program that is not there ends with 127") {
  const test::TempDir dir;
  block_signals();
  REQUIRE(start_child({dir / "nothing"}, dir / "log"));
  const auto event = wait_for_event(std::chrono::seconds{10});
  REQUIRE(event.kind == ChildEvent::Kind::kEnded);
  CHECK(event.how == "exited with 127");
}

TEST_CASE("a signal to stop is told, not died of") {
  block_signals();
  REQUIRE(raise(SIGTERM) == 0);
  CHECK(wait_for_event(std::chrono::seconds{10}).kind == ChildEvent::Kind::kStopSignal);
}

}  // namespace brigade::cli
