// What the control plane tells people: elections in a handful of lines, with names.
// Concept: turns the member's events into log lines, and leaves out what only repeats.
// Thread:  the control thread.
#pragma once

#include "control_address_book.h"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "brigade/base/time.h"
#include "brigade/cluster/effects.h"
#include "brigade/cluster/member.h"
#include "brigade/wire/auth.h"

namespace spdlog {
class logger;
}

namespace brigade::node {

class Story {
 public:
  Story(std::shared_ptr<spdlog::logger> logger, const AddressBook& names, NodeId self, std::uint32_t speaks);

  /// `member` as it is after the step that made `event`.
  void tell(Instant now, const cluster::Event& event, const cluster::Member& member);
  void started(const cluster::Member& member, const std::string& address, std::string_view way);
  void damaged();
  /// A datagram was dropped: the first of each reason is worth a line, then one now and then.
  void dropped(Instant now, wire::Drop drop, std::span<const std::byte> datagram, const std::string& from);
  void index_failed(const Error& error);
  void died(const Error& error);

 private:
  static constexpr Duration kDropQuiet = std::chrono::minutes{1};

  struct DropCount {
    std::uint64_t untold = 0;
    Instant quiet_until{};
  };

  void lost(const cluster::Member& member);

  std::shared_ptr<spdlog::logger> log_;
  const AddressBook& names_;
  NodeId self_;
  std::uint32_t speaks_;                              ///< the protocol version
  cluster::State state_ = cluster::State::kElection;  ///< as told
  Epoch epoch_;                                       ///< the last that this node invited to, accepted or followed
  std::string join_refused_;
  std::array<DropCount, wire::kDropCount> drops_{};
};

}  // namespace brigade::node
