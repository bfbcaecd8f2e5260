// A node whose journal lost entries that it may have acknowledged.  Source: design §4 Log ("damage is not absence").
// Concept: its log ends too early, so nobody may choose a log by its word: it neither invites nor accepts nor answers
//          probes. It still asks for a coordinator, follows the one that stands, and takes from it what is missing.
//          Once it holds all that the coordinator had when it spoke, it is a node like the others.
// Thread:  the control thread.
#pragma once

#include <optional>
#include <variant>

#include "brigade/wire/message.h"

namespace brigade::node {

class DamageGate {
 public:
  explicit DamageGate(bool damaged) : damaged_(damaged) {}

  [[nodiscard]] bool is_damaged() const { return damaged_; }
  /// Authentic, but perhaps of a coordinator that this node does not follow: see may_leave().
  void heard(const wire::Envelope& envelope) {
    const auto* beat = std::get_if<wire::Heartbeat>(&envelope.message);
    if (damaged_ && beat != nullptr) heard_ = *beat;
  }
  /// False for what would speak for a log that isn't whole. An answer to a heartbeat that covers all which that one
  /// spoke of shows that it is whole again.
  bool may_leave(const wire::Message& message) {
    if (!damaged_) return true;
    const auto* reply = std::get_if<wire::HeartbeatReply>(&message);
    if (reply != nullptr && heard_ && reply->epoch == heard_->epoch && reply->round == heard_->round &&
        reply->acked >= heard_->last)
      damaged_ = false;
    return !std::holds_alternative<wire::Accept>(message) && !std::holds_alternative<wire::Invitation>(message) &&
           !std::holds_alternative<wire::ProbeReply>(message);
  }

 private:
  bool damaged_;
  std::optional<wire::Heartbeat> heard_;
};

}  // namespace brigade::node
