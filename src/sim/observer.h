// Who wants to know what happens in a world, in full.
// Concept: told before the executor carries out what it is told of. It changes nothing.
// Thread:  the world's owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "brigade/base/time.h"
#include "brigade/cluster/effects.h"
#include "brigade/wire/message.h"

namespace brigade::sim {

class Observer {
 public:
  /// One receiver of a datagram. `takes` is how long it will be under way; nothing: it is lost.
  struct Copy {
    std::size_t to = 0;
    std::optional<Duration> takes;
  };

  virtual ~Observer() = default;
  /// What `node` wants done now.
  virtual void on_effects(std::size_t /*node*/, const cluster::Effects& /*effects*/) {}
  virtual void on_send(std::size_t /*node*/, const wire::Envelope& /*envelope*/, bool /*to_all*/,
                       std::span<const Copy> /*copies*/) {}
  /// `node` hears that its batch `number` is on disk; the effects of that come next.
  virtual void on_durable(std::size_t /*node*/, std::uint64_t /*number*/) {}
  /// What the world does to its nodes: "crashes", "fetches index" ...
  virtual void on_note(std::string_view /*what*/, std::size_t /*node*/, std::size_t /*other*/) {}
};

}  // namespace brigade::sim
