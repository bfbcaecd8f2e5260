#include "hand_over.h"

#include "node/local_node.h"

#include <vector>

#include <catch2/catch.hpp>

namespace brigade::node {
namespace {

/// Node 1 of two; `said` is what it reports.
class Stopping : public testing::LocalNode {
 public:
  explicit Stopping(bool is_coordinator) {
    maker.node(1).node(2);
    control.is_coordinator = is_coordinator;
    control.on_report = [this](const wire::Report& report) {
      said.push_back(report);
      if (said.size() == 2) maker.down(1);
      show();
    };
    show();
  }
  std::vector<wire::Report> said;
};

TEST_CASE("a node that stops says so until the log has taken it out") {
  Stopping node(false);
  const Seq seq = node.maker.map().seq();
  node.run(hand_over(node.context()));
  REQUIRE(node.said.size() == 2);
  CHECK(node.said[0] == wire::Report{wire::ReportKind::kUnreachable, seq, {}, NodeId{1}});
  CHECK_FALSE(node.context().view()->map.is_up(NodeId{1}));
}

TEST_CASE("a coordinator that stops has nobody to tell") {
  Stopping node(true);
  node.run(hand_over(node.context()));
  CHECK(node.said.empty());
}

}  // namespace
}  // namespace brigade::node
