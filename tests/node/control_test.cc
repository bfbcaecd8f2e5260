// Whole control planes on loopback: real sockets, real journals, in one process.
#include "brigade/node/control.h"

#include "control_machines.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

namespace brigade::node {

using namespace test_control;

TEST_CASE("a single node elects itself, hands out all buckets, and serves once they are filled") {
  Machines machines;
  machines.make("n1");
  machines.start("n1");
  Control& n1 = machines["n1"];
  const NodeId self = machines.id("n1");
  REQUIRE(eventually([&] { return n1.view()->is_coordinator && n1.may_serve(); }));
  const auto owned = [&](auto&& holds) {
    const auto view = n1.view();
    bool all = true;
    BucketSet::all().for_each(
        [&](BucketId b) { all = all && view->map.cell(b).owner == self && holds(view->map.cell(b)); });
    return all;
  };
  REQUIRE(eventually([&] { return owned([](const Cell& cell) { return cell.state == BucketState::kFilling; }); }));
  CHECK_FALSE(n1.view()->map.is_in_sync(BucketId{7}));
  tend(n1, self);
  REQUIRE(eventually([&] { return owned([](const Cell& cell) { return cell.state == BucketState::kServing; }); }));

  const auto view = n1.view();
  CHECK(view->coordinator == self);
  CHECK(view->epoch.coordinator == self);
  CHECK(view->in_roster);
  CHECK(view->quorum_needed == 1);
  CHECK(view->present == 1);
  CHECK(n1.stats().elections == 1);
}

TEST_CASE("three nodes form one group with one map") {
  Machines machines;
  machines.make("n1");
  machines.make("n2", {"n1"});
  machines.make("n3", {"n1"});
  for (const char* name : {"n1", "n2", "n3"}) machines.start(name);
  REQUIRE(
      eventually([&] { return machines["n1"].view()->map.roster().size() == 3 && machines.all_serve_everything(); }));
  const std::string leader = machines.coordinator();
  const std::string first = leader == "n1" ? "n2" : "n1";
  const std::string second = leader == "n3" ? "n2" : "n3";
  CHECK(machines[leader].view()->is_coordinator);
  CHECK_FALSE(machines[first].view()->is_coordinator);
  CHECK(machines[first].view()->quorum_needed == 2);
  CHECK(eventually([&] { return machines[first].view()->present == 3; }));
  CHECK(machines[second].stats().datagrams_received > 0);

  SECTION("an operator's change is committed at the coordinator, and nowhere else") {
    const auto ask = [&](const std::string& name, wire::Change change) {
      auto told = std::make_shared<std::promise<Result<Position>>>();
      auto outcome = told->get_future();
      machines[name].propose(std::move(change), [told](Result<Position> r) { told->set_value(std::move(r)); });
      REQUIRE(outcome.wait_for(20s) == std::future_status::ready);
      return outcome.get();
    };
    const auto refused = ask(first, wire::SettingChanged{"grace", "5min"});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code() == Errc::kNoQuorum);
    const auto wrong = ask(leader, wire::SettingChanged{"grace", "soon"});
    REQUIRE(wrong.has_error());
    CHECK(wrong.error().code() == Errc::kInvalid);

    const auto done = ask(leader, wire::SettingChanged{"grace", "5min"});
    REQUIRE(done.has_value());
    CHECK(machines[leader].view()->map.seq() >= done->seq);
    CHECK(machines[leader].view()->map.settings().grace == Duration(5min));
    CHECK(eventually([&] { return machines[second].view()->map.settings().grace == Duration(5min); }));
    const auto lines = machines[leader].log(previous(done->seq), 1);
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().position == *done);
    CHECK(std::get<wire::SettingChanged>(lines.front().change).name == "grace");
    CHECK(lines.front().applied > WallTime{});
    CHECK(machines[leader].log(Seq{1'000'000}, 100).empty());
  }

  SECTION("when the coordinator stops another takes over, and the old one comes back as a member") {
    const Epoch before = machines[first].view()->epoch;
    machines.stop(leader);
    REQUIRE(eventually([&] { return machines.agree(); }));
    CHECK(machines[first].view()->epoch > before);
    CHECK(machines.coordinator() != leader);
    CHECK_FALSE(machines[first].view()->map.is_up(machines.id(leader)));

    machines.start(leader);
    // What it had on disk is shown, without the times, which nobody wrote down.
    const auto old = machines[leader].log(Seq{}, 1);
    REQUIRE(old.size() == 1);
    CHECK(old.front().applied == WallTime{});
    REQUIRE(eventually([&] { return machines.all_serve_everything(); }));
    CHECK(machines.running().size() == 3);
  }

  SECTION("a node that is cut off stops serving within a lease and looks around") {
    machines.stop(leader);
    machines.stop(first);
    const Instant alone = boot_now();
    Control& rest = machines[second];
    REQUIRE(eventually([&] { return boot_now() >= alone + kLease; }));
    CHECK_FALSE(rest.may_serve());
    REQUIRE(eventually([&] { return rest.view()->state == cluster::State::kElection; }));
    CHECK_FALSE(rest.view()->coordinator);
    CHECK_FALSE(rest.view()->epoch);
    CHECK(eventually([&] { return rest.view()->present == 1; }));

    machines.start(first);
    REQUIRE(eventually([&] { return machines.agree(); }));
  }
}

TEST_CASE("a node joins through any node, not only the coordinator") {
  Machines machines;
  machines.make("n1");
  machines.make("n2", {"n1"});
  machines.start("n1");
  machines.start("n2");
  REQUIRE(eventually([&] { return machines["n2"].view()->map.roster().size() == 2 && machines.agree(); }));
  machines.make("n3", {machines.coordinator() == "n1" ? "n2" : "n1"});
  machines.start("n3");
  CHECK(eventually([&] { return machines["n1"].view()->map.roster().size() == 3 && machines.agree(); }));
}

TEST_CASE("a node whose name is taken is told why it can't join") {
  Machines machines;
  machines.make("n1");
  machines.make("n2", {"n1"});
  machines.rename("n2", "n1");
  machines.start("n1");
  machines.start("n2");
  REQUIRE(eventually([&] { return !machines["n2"].view()->join_refused.empty(); }));
  CHECK_THAT(machines["n2"].view()->join_refused, Catch::Contains("choose another name"));
  CHECK_FALSE(machines["n2"].view()->in_roster);
  CHECK_FALSE(machines["n2"].may_serve());
}

TEST_CASE("a node that comes back at another address is found there") {
  Machines machines;
  machines.make("n1");
  machines.make("n2", {"n1"});
  machines.make("n3", {"n1"});
  for (const char* name : {"n1", "n2", "n3"}) machines.start(name);
  REQUIRE(eventually([&] { return machines["n1"].view()->map.roster().size() == 3 && machines.agree(); }));
  machines.stop("n3");
  machines.move("n3");
  machines.start("n3");
  REQUIRE(eventually([&] {
    const auto view = machines["n1"].view();
    const auto* entry = view->map.node(machines.id("n3"));
    return machines.agree() && entry != nullptr && entry->node.peer == machines.config("n3").peer_listen;
  }));
}

TEST_CASE("what is not the cluster's is dropped and counted") {
  Machines machines;
  machines.make("n1");
  machines.start("n1");
  REQUIRE(eventually([&] { return machines["n1"].may_serve(); }));
  const Socket stranger;
  stranger.send("no datagram of ours", machines.config("n1").peer_listen);
  CHECK(eventually([&] { return machines["n1"].stats().datagrams_dropped == 1; }));
  CHECK(machines["n1"].may_serve());
}

TEST_CASE("a control plane does not start on a busy port or with another node's journal") {
  Machines machines;
  machines.make("n1");
  Config config = machines.config("n1");
  const Socket taken;
  config.peer_listen = taken.address();
  const auto busy = machines.try_start("n1", config);
  REQUIRE(busy.has_error());
  CHECK(busy.error().code() == Errc::kConflict);

  config = machines.config("n1");
  config.cluster = ClusterId{42};
  const auto foreign = machines.try_start("n1", config);
  REQUIRE(foreign.has_error());
  CHECK(foreign.error().code() == Errc::kInvalid);
}

TEST_CASE("after stop nothing is answered any more but with an error, and the journal is free") {
  Machines machines;
  machines.make("n1");
  machines.start("n1");
  Control& n1 = machines["n1"];
  REQUIRE(eventually([&] { return n1.may_serve(); }));
  n1.stop();
  n1.stop();
  CHECK_FALSE(n1.may_serve());
  Errc told = Errc::kOk;
  n1.propose(wire::SettingChanged{"grace", "5min"}, [&](const Result<Position>& r) { told = r.error().code(); });
  CHECK(told == Errc::kUnavailable);
  machines.stop("n1");
  machines.start("n1");
  CHECK(eventually([&] { return machines["n1"].may_serve(); }));
}

}  // namespace brigade::node
