// Names of kinds, for logs, JSON, metrics and docs. They are part of the interface: other programs read them.
#include <array>
#include <string_view>
#include <variant>

#include "brigade/base/check.h"
#include "brigade/wire/auth.h"
#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

namespace {

constexpr std::array<std::string_view, std::variant_size_v<Message>> kMessageKinds{
    "Probe",  "ProbeReply", "Invitation", "Accept", "Refusal",   "JoinRefusal",    "Ready",
    "Append", "Ack",        "LogRequest", "LogCut", "Heartbeat", "HeartbeatReply", "Report"};
constexpr std::array<std::string_view, std::variant_size_v<Change>> kChangeKinds{
    "GroupFormed",   "NodeAdded",       "NodeRemoved",  "NodeUp",         "NodeDown",       "BucketsAssigned",
    "BucketsFilled", "BucketsReleased", "BucketsMoved", "SettingChanged", "BucketsEmptied", "NodeDraining",
    "LossAccepted",  "NodeReshaped",    "NodeReplaced", "VersionRaised"};
constexpr std::array<std::string_view, 8> kReasons{"bootstrap", "demand",  "join", "balance",
                                                   "drain",     "failure", "loss", "operator"};
constexpr std::array<std::string_view, 4> kRoles{"owner", "new-owner", "stand-in", "none"};
constexpr std::array<std::string_view, 5> kReportKinds{"wanted", "filled", "released", "unreachable", "emptied"};
constexpr std::array<std::string_view, 6> kStates{"unassigned", "filling", "serving", "moving", "released", "stand-in"};
constexpr std::array<std::string_view, kDropCount> kDrops{
    "malformed", "foreign-cluster", "bad-mac", "replayed", "old-incarnation", "own", "version"};

template <std::size_t N>
std::string_view at(const std::array<std::string_view, N>& names, std::size_t index) {
  BRIGADE_CHECK(index < N, "an enumerator of " << index << " among " << N);
  return names[index];
}

}  // namespace

std::string_view kind_name(const Message& message) {
  return at(kMessageKinds, message.index());
}
std::string_view kind_name(const Change& change) {
  return at(kChangeKinds, change.index());
}
std::string_view reason_name(Reason reason) {
  return at(kReasons, static_cast<std::size_t>(reason));
}
std::string_view role_name(Role role) {
  return at(kRoles, static_cast<std::size_t>(role));
}
std::string_view report_kind_name(ReportKind kind) {
  return at(kReportKinds, static_cast<std::size_t>(kind));
}
std::string_view state_name(BucketState state) {
  return at(kStates, static_cast<std::size_t>(state));
}
std::string_view drop_name(Drop drop) {
  return at(kDrops, static_cast<std::size_t>(drop));
}

}  // namespace brigade::wire
