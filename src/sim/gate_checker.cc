#include "gate_checker.h"

#include <algorithm>

namespace brigade::sim {

void GateChecker::on_send(std::size_t node, const Host& host, const wire::Message& message, Verdict& verdict) {
  const Disk& disk = host.disk;
  auto fail = [&](const std::string& what) {
    verdict.fail(name_of(node) + " sends " + std::string(wire::kind_name(message)) + " but " + what);
  };
  auto needs_promise = [&](const Epoch& epoch) {
    if (std::max(disk.promised(), disk.last().epoch) < epoch)
      fail("epoch " + to_string(epoch) + " is not promised on its disk");
  };
  auto needs_position = [&](Position position) {
    if (!disk.holds(position)) fail("position " + to_string(position) + " is not on its disk");
  };
  auto needs_seq = [&](Seq seq) {
    if (!disk.holds_seq(seq)) fail("seq " + to_string(seq) + " is not on its disk");
  };
  // Once it has told anybody of a promise, it obeys nobody lower.
  auto obeys = [&](const Epoch& epoch) {
    if (epoch < announced_[node])
      fail("it obeys epoch " + to_string(epoch) + " after having promised " + to_string(announced_[node]));
  };
  auto announces = [&](const Epoch& epoch) { announced_[node] = std::max(announced_[node], epoch); };

  if (const auto* accept = std::get_if<wire::Accept>(&message)) {
    needs_promise(accept->epoch), needs_position(accept->last), obeys(accept->epoch), announces(accept->epoch);
  } else if (const auto* invitation = std::get_if<wire::Invitation>(&message)) {
    needs_promise(invitation->epoch), obeys(invitation->epoch), announces(invitation->epoch);
    auto led = led_.try_emplace({invitation->epoch, invitation->epoch.coordinator}, disk.incarnation()).first;
    if (led->second != disk.incarnation()) fail("an earlier life has used this epoch");
  } else if (const auto* ready = std::get_if<wire::Ready>(&message)) {
    needs_promise(ready->epoch), needs_position({ready->epoch, ready->formed});
  } else if (const auto* probe = std::get_if<wire::Probe>(&message)) {
    needs_position(probe->last), needs_promise(probe->promised);
  } else if (const auto* reply = std::get_if<wire::ProbeReply>(&message)) {
    needs_position(reply->last), needs_promise(reply->promised);
  } else if (const auto* ack = std::get_if<wire::Ack>(&message)) {
    needs_seq(ack->seq), obeys(ack->epoch);
  } else if (const auto* answer = std::get_if<wire::HeartbeatReply>(&message)) {
    needs_seq(answer->acked), obeys(answer->epoch);
  } else if (const auto* append = std::get_if<wire::Append>(&message); append != nullptr && append->fetched) {
    for (const wire::LogEntry& entry : append->entries) needs_position(entry.position());
  }
}

}  // namespace brigade::sim
