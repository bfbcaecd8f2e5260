#include "brigade/wire/validate.h"

#include "samples.h"

#include <functional>

#include <catch2/catch.hpp>

#include "brigade/base/limits.h"
#include "brigade/wire/codec.h"

namespace brigade::wire {

namespace {

const Epoch kOld{4, NodeId{0x2222}};
const Epoch kEpoch{5, NodeId{0x1111}};

/// What is wrong with `value`, or "". Decoding must say the same.
std::string problem(const Message& value) {
  const Status status = validate(value);
  const auto decoded = decode_message(encode(value));
  REQUIRE(decoded.has_value() == status.has_value());
  if (status) return {};
  CHECK(decoded.error().detail() == status.error().detail());
  return status.error().detail();
}
std::string problem(const Change& value) {
  const Status status = validate(value);
  const auto decoded = decode_change(encode(value));
  REQUIRE(decoded.has_value() == status.has_value());
  if (status) return {};
  CHECK(decoded.error().detail() == status.error().detail());
  return status.error().detail();
}
std::string problem_of_node(const std::function<void(NodeInfo&)>& change) {
  NodeInfo node = sample_node();
  change(node);
  const Status status = validate(node);
  CHECK(problem(Change(NodeAdded{node})).empty() == status.has_value());
  CHECK(problem(Change(NodeUp{node, Incarnation{1}})).empty() == status.has_value());
  CHECK(problem(Message(Probe{1, {}, {}, node})).empty() == status.has_value());
  CHECK(problem(Message(Accept{kEpoch, {}, node})).empty() == status.has_value());
  return status ? "" : status.error().detail();
}
std::string problem_of_entries(std::vector<LogEntry> entries) {
  return problem(Message(Append{kEpoch, {kOld, Seq{7}}, Seq{}, false, std::move(entries)}));
}

}  // namespace

TEST_CASE("all samples are well-formed") {
  for (const Change& change : sample_changes()) CHECK(problem(change).empty());
  for (const Message& message : sample_messages()) CHECK(problem(message).empty());
  CHECK(validate(sample_snapshot()).has_value());
  CHECK(validate(longest_node()).has_value());
}

TEST_CASE("names are of letters, digits, dot, underscore and hyphen") {
  for (const char* good : {"a", "A-z_0.9", "-", "node.example.org"}) CHECK(is_name(good));
  for (const char* bad : {"", "a b", "a/b", "a\n", "\xc3\xa4", "a:b"}) CHECK_FALSE(is_name(bad));
  CHECK(is_name(std::string(63, 'x')));
  CHECK_FALSE(is_name(std::string(64, 'x')));
  CHECK_FALSE(is_name(std::string_view("a\0b", 3)));
}

TEST_CASE("addresses are host:port") {
  for (const char* good : {"10.0.0.1:8080", "0.0.0.0:1", "255.255.255.255:65535", "localhost:80", "a-b.example:443",
                           "3com.example:80", "n1.1a:80"}) {
    CAPTURE(good);
    CHECK(is_address(good));
  }
  for (const char* bad :
       {"",         ":80",         "host",         "host:",    "host:0",       "host:080",    "host:65536",
        "host:8o",  "host:80:80",  "256.0.0.1:80", "1.2.3:80", "1.2.3.4.5:80", "01.2.3.4:80", "12:80",
        "a..b:80",  ".a:80",       "a.:80",        "-a:80",    "a-:80",        "a_b:80",      "a b:80",
        "[::1]:80", "http://a:80", "a/b:80",       "host:-1",  "host:+1",      "host:100000", "host: 80"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_address(bad));
  }
  const std::string label(60, 'a');
  CHECK(is_address(label + "." + label + ":65535"));  // 127 bytes
  CHECK_FALSE(is_address(label + "." + label + "a:65535"));
  CHECK_FALSE(is_address(std::string(64, 'a') + ":80"));
}

TEST_CASE("UTF-8 is what RFC 3629 says") {
  for (const char* good : {"", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const char* bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2g", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xe2\x82\xacno\x80"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("a node says who it is, where it is and how much it takes") {
  CHECK(problem_of_node([](NodeInfo&) {}) == "");
  CHECK(problem_of_node([](NodeInfo& n) { n.zone = ""; }) == "");
  CHECK(problem_of_node([](NodeInfo& n) { n.id = {}; }) == "a node: the node id is missing");
  CHECK(problem_of_node([](NodeInfo& n) { n.store = {}; }) == "a node: the store id is missing");
  CHECK(problem_of_node([](NodeInfo& n) { n.name = ""; }) == "a node: a node's name is 1 to 63 of A-Z a-z 0-9 . _ -");
  CHECK(problem_of_node([](NodeInfo& n) { n.name = "a/b"; }) != "");
  CHECK(problem_of_node([](NodeInfo& n) { n.name = std::string("a\0b", 3); }) != "");
  CHECK(problem_of_node([](NodeInfo& n) { n.zone = " "; }) != "");
  CHECK(problem_of_node([](NodeInfo& n) { n.weight = 0; }) == "");  // a spare
  CHECK(problem_of_node([](NodeInfo& n) { n.weight = limits::kWeightMax + 1; }) ==
        "a node: a node's weight is 0 to 1000000");
  CHECK(problem_of_node([](NodeInfo& n) { n.client = "host"; }) == "a node: the client address is not host:port");
  CHECK(problem_of_node([](NodeInfo& n) { n.peer = "host:0"; }) == "a node: the peer address is not host:port");
}

TEST_CASE("changes that name nobody, or too many, are refused") {
  CHECK(problem(Change(NodeRemoved{})) == "NodeRemoved: the node is missing");
  CHECK(problem(Change(NodeDown{})) == "NodeDown: the node is missing");
  CHECK(problem(Change(NodeReshaped{{}, "", 1})) == "NodeReshaped: the node is missing");
  CHECK(problem(Change(NodeReshaped{NodeId{1}, "a b", 1})) != "");
  CHECK(problem(Change(VersionRaised{0})) == "VersionRaised: protocol versions are 1 to 255");
  CHECK(problem(Change(VersionRaised{256})) != "");
  CHECK(problem(Change(NodeReplaced{NodeId{1}, {}})) == "NodeReplaced: the node is missing");
  CHECK(problem(Change(NodeReplaced{NodeId{1}, NodeId{1}})) == "NodeReplaced: a node can't replace itself");
  CHECK(problem(Change(BucketsFilled{{}, buckets({1})})) == "BucketsFilled: the node is missing");
  CHECK(problem(Change(BucketsReleased{{}, buckets({1})})) == "BucketsReleased: the node is missing");
  CHECK(problem(Change(BucketsEmptied{{}, buckets({1})})) == "BucketsEmptied: the node is missing");
  CHECK(problem(Change(BucketsMoved{{}, buckets({1})})) == "BucketsMoved: the node is missing");
  CHECK(problem(Change(NodeUp{sample_node(), {}})) == "NodeUp: the incarnation is missing");
  CHECK(problem(Change(GroupFormed{{NodeId{2}, NodeId{1}}, 0})) == "GroupFormed: node ids do not rise");
  CHECK(problem(Change(GroupFormed{{NodeId{2}, NodeId{2}}, 0})) == "GroupFormed: node ids do not rise");
  CHECK(problem(Change(GroupFormed{{NodeId{0}}, 0})) == "GroupFormed: node ids do not rise");
  CHECK(problem(Change(GroupFormed{{NodeId{2}}, 1023})) == "");
  CHECK(problem(Change(GroupFormed{{NodeId{2}}, 1024})) == "GroupFormed: more members than a roster can have");
}

TEST_CASE("an assignment names a node exactly if its role is not none") {
  auto assigned = [](Role role, NodeId node) { return Change(BucketsAssigned{Reason::kJoin, {{role, node, {}}}}); };
  CHECK(problem(assigned(Role::kOwner, NodeId{1})) == "");
  CHECK(problem(assigned(Role::kNone, NodeId{})) == "");
  CHECK(problem(assigned(Role::kOwner, NodeId{})) != "");
  CHECK(problem(assigned(Role::kNone, NodeId{1})) != "");
}

TEST_CASE("enumerators beyond the last are refused") {
  CHECK_FALSE(decode_change(encode(BucketsAssigned{static_cast<Reason>(8), {}})).has_value());
  CHECK_FALSE(
      decode_change(encode(BucketsAssigned{Reason::kJoin, {{static_cast<Role>(4), NodeId{1}, {}}}})).has_value());
  CHECK_FALSE(decode_message(encode(Report{static_cast<ReportKind>(5), Seq{1}, {}, NodeId{1}})).has_value());
  // The tag of a union is the first thing in its struct, behind the segment table and the root pointer.
  Bytes change = encode(NodeDown{NodeId{1}});
  bool refused = true;
  for (unsigned tag = std::variant_size_v<Change>; tag < 256; ++tag)
    for (std::size_t at = 16; at < 32; ++at) {
      Bytes other = change;
      if (other[at] != std::byte{4}) continue;
      other[at] = static_cast<std::byte>(tag);
      refused = refused && !decode_change(other);
    }
  CHECK(refused);
}

TEST_CASE("settings have names and plain values") {
  CHECK(problem(Change(SettingChanged{"cache_control", ""})) == "");
  CHECK(problem(Change(SettingChanged{"", "x"})) != "");
  CHECK(problem(Change(SettingChanged{"a b", "x"})) != "");
  CHECK(problem(Change(SettingChanged{"a", std::string(200, 'x')})) == "");
  CHECK(problem(Change(SettingChanged{"a", std::string(201, 'x')})) != "");
  CHECK(problem(Change(SettingChanged{"a", "x\r\ny"})) != "");
  CHECK(problem(Change(SettingChanged{"a", std::string("x\0y", 3)})) != "");
  CHECK(problem(Change(SettingChanged{"a", "\xff"})) != "");
}

TEST_CASE("an epoch has a counter in range and a coordinator") {
  CHECK(problem(Message(Invitation{{kEpochCounterMax, NodeId{1}}})) == "");
  CHECK(problem(Message(Invitation{{}})) == "Invitation: the epoch is missing");
  CHECK(problem(Message(Invitation{{0, NodeId{1}}})) != "");
  CHECK(problem(Message(Invitation{{1, NodeId{}}})) == "Invitation: an epoch is a counter and a coordinator");
  CHECK(problem(Message(Invitation{{kEpochCounterMax + 1, NodeId{1}}})) != "");
  CHECK(problem(Message(Probe{1, {}, {0, NodeId{1}}, {}})) != "");
  CHECK(problem(Message(Refusal{kOld, {}})) != "");
  for (const Message& message :
       {Message(Accept{{}, {}, sample_node()}), Message(Refusal{{}, kEpoch}), Message(Ready{{}, Seq{1}}),
        Message(Append{}), Message(Ack{}), Message(LogRequest{{}, Seq{1}, Seq{2}}), Message(LogCut{{}, Seq{1}}),
        Message(Heartbeat{}), Message(HeartbeatReply{})})
    CHECK(problem(message) == std::string(kind_name(message)) + ": the epoch is missing");
}

TEST_CASE("a position has both an epoch and a seq, or neither") {
  CHECK(problem(Message(Probe{})) == "");
  CHECK(problem(Message(Probe{1, {kOld, Seq{}}, {}, {}})) != "");
  CHECK(problem(Message(ProbeReply{1, {{}, Seq{1}}, {}, {}})) != "");
  CHECK(problem(Message(Accept{kEpoch, {kOld, Seq{kSeqMax.value + 1}}, sample_node()})) != "");
}

TEST_CASE("entries of an Append are consecutive, of epochs that don't fall or exceed the sender's") {
  CHECK(problem_of_entries({}) == "");
  CHECK(problem_of_entries({{kOld, Seq{8}, GroupFormed{}}, {kEpoch, Seq{9}, GroupFormed{}}}) == "");
  CHECK(problem_of_entries({{kOld, Seq{9}, GroupFormed{}}}) == "Append: entries are not consecutive");
  CHECK(problem_of_entries({{kOld, Seq{7}, GroupFormed{}}}) != "");
  CHECK(problem_of_entries({{kOld, Seq{8}, GroupFormed{}}, {kOld, Seq{10}, GroupFormed{}}}) != "");
  CHECK(problem_of_entries({{kEpoch, Seq{8}, GroupFormed{}}, {kOld, Seq{9}, GroupFormed{}}}) ==
        "Append: epochs fall along the entries");
  CHECK(problem_of_entries({{{3, NodeId{9}}, Seq{8}, GroupFormed{}}}) == "Append: epochs fall along the entries");
  CHECK(problem_of_entries({{{6, NodeId{9}}, Seq{8}, GroupFormed{}}}) ==
        "Append: an entry is of a later epoch than its sender's");
  CHECK(problem_of_entries({{kEpoch, Seq{8}, NodeDown{}}}) == "Append: the node is missing");
}

TEST_CASE("ranges, rounds and durations are in bounds") {
  CHECK(problem(Message(LogRequest{kEpoch, Seq{3}, Seq{3}})) == "LogRequest: the range is empty");
  CHECK(problem(Message(LogRequest{kEpoch, Seq{}, Seq{3}})) != "");
  CHECK(problem(Message(LogCut{kEpoch, Seq{}})) != "");
  CHECK(problem(Message(Ready{kEpoch, Seq{}})) != "");
  CHECK(problem(Message(Ack{kEpoch, Seq{kSeqMax.value + 1}})) == "Ack: a seq is out of range");
  Heartbeat heartbeat{kEpoch, 1, {}, {}, kDurationMax, {}, {}, {}, Duration{}};
  CHECK(problem(Message(heartbeat)) == "");
  heartbeat.grant += Duration{1};
  CHECK(problem(Message(heartbeat)) == "Heartbeat: a duration is not between 0 and 1 h");
  heartbeat.grant = Duration{};
  heartbeat.lease = Duration{-1};
  CHECK(problem(Message(heartbeat)) != "");
  heartbeat.lease = Duration{};
  heartbeat.answered.assign(limits::kNodesMax + 1, false);
  CHECK(problem(Message(heartbeat)) == "Heartbeat: more answers than a roster can have nodes");
  heartbeat.answered.assign(3, false);
  CHECK(problem(Message(heartbeat)) == "Heartbeat: answers to two rounds of different rosters");
}

TEST_CASE("a report of a node that can't be reached names it") {
  CHECK(problem(Message(Report{ReportKind::kUnreachable, Seq{1}, {}, NodeId{}})) == "Report: the node is missing");
  CHECK(problem(Message(Report{ReportKind::kFilled, Seq{1}, {}, NodeId{}})) == "");
}

TEST_CASE("a bucket set in any other form than its own is refused") {
  // Runs {1..3} and {9}: gap 1, length 3, gap 5, length 1 somewhere in the bytes.
  const Bytes bytes = encode(BucketsFilled{NodeId{1}, buckets({1, 2, 3, 9})});
  std::size_t refused = 0;
  for (std::size_t i = bytes.size() - 8; i < bytes.size() - 4; ++i) {
    Bytes other = bytes;
    other[i] = std::byte{0x80};  // a number that does not end, or a longer form
    refused += decode_change(other) ? 0 : 1;
  }
  CHECK(refused >= 2);
  Bytes cut = bytes;
  cut[bytes.size() - 5] = std::byte{0};  // a run without a bucket
  CHECK_FALSE(decode_change(cut).has_value());
}

TEST_CASE("a reason for refusing a node is plain text") {
  CHECK(problem(Message(JoinRefusal{"\xff"})) != "");
  CHECK(problem(Message(JoinRefusal{"a\x1b[2J"})) != "");
  CHECK(problem(Message(JoinRefusal{""})) == "");
}

}  // namespace brigade::wire
