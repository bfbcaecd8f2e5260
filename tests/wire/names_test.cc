#include "samples.h"

#include <set>

#include <catch2/catch.hpp>

#include "brigade/wire/auth.h"

namespace brigade::wire {

TEST_CASE("each kind has the name that logs and documents use") {
  std::string names;
  for (const Message& message : sample_messages()) names += std::string(kind_name(message)) + " ";
  CHECK(names ==
        "Probe ProbeReply Invitation Accept Refusal JoinRefusal Ready Append Ack LogRequest LogCut Heartbeat "
        "HeartbeatReply Report ");
  names.clear();
  for (const Change& change : sample_changes()) names += std::string(kind_name(change)) + " ";
  CHECK(names ==
        "GroupFormed NodeAdded NodeRemoved NodeUp NodeDown BucketsAssigned BucketsFilled BucketsReleased BucketsMoved "
        "SettingChanged BucketsEmptied NodeDraining LossAccepted NodeReshaped NodeReplaced VersionRaised ");
}

TEST_CASE("reasons, roles, reports, states and drops have names") {
  CHECK(reason_name(Reason::kBootstrap) == "bootstrap");
  CHECK(reason_name(Reason::kDrain) == "drain");
  CHECK(reason_name(Reason::kOperator) == "operator");
  CHECK(role_name(Role::kOwner) == "owner");
  CHECK(role_name(Role::kStandIn) == "stand-in");
  CHECK(role_name(Role::kNone) == "none");
  CHECK(report_kind_name(ReportKind::kWanted) == "wanted");
  CHECK(report_kind_name(ReportKind::kUnreachable) == "unreachable");
  CHECK(state_name(BucketState::kUnassigned) == "unassigned");
  CHECK(state_name(BucketState::kReleased) == "released");
  CHECK(state_name(BucketState::kStandIn) == "stand-in");
  CHECK(drop_name(Drop::kMalformed) == "malformed");
  CHECK(drop_name(Drop::kOwn) == "own");
  CHECK(drop_name(Drop::kVersion) == "version");
}

TEST_CASE("each reason for a drop has a name and a text of its own") {
  std::set<std::string_view> names;
  std::set<std::string> texts;
  for (std::size_t i = 0; i < kDropCount; ++i) {
    names.insert(drop_name(static_cast<Drop>(i)));
    texts.insert(drop_text(static_cast<Drop>(i), {}));
  }
  CHECK(names.size() == kDropCount);
  CHECK(texts.size() == kDropCount);
}

}  // namespace brigade::wire
