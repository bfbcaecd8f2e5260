// The kinds of work that requests bring to a node, each with a room of its own.  Source: design §1 (loads), §5.
// Concept: request_memory of brigade.toml is what all of them may hold, and each kind has its fixed part of it: so
// writes
//          never take what reads need, clients never what other nodes need, and copying behind never what clients need.
//          A node that waits for another holds a place of another kind than the one that it asks for there; and as
//          nobody waits for a place, there is no circle of nodes that wait for each other.
// Thread:  any.
#pragma once

#include "admission.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "brigade/net/http.h"
#include "brigade/node/config.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

enum class Work : std::uint8_t {
  kRead,      ///< a client's GET or HEAD
  kWrite,     ///< a client's PUT or DELETE
  kPeerRead,  ///< a GET that another node passes on
  kHandedOn,  ///< a write that another node hands on to its primary
  kCopy,      ///< a body that a primary stages here, until it is committed or rolled back
  kPush,      ///< a whole record that another node puts here
  kFetch,     ///< an object that another node copies from here, to fill a bucket
};
inline constexpr std::array kAllWork{Work::kRead, Work::kWrite, Work::kPeerRead, Work::kHandedOn,
                                     Work::kCopy, Work::kPush,  Work::kFetch};
/// "read", "write", "peer-read" ...
std::string_view name_of(Work work);
/// Of all work of this kind, on one node.
Admission::Room room_of(Work work, const Config& config);

/// What an upload may hold in memory, here or on its way through.
std::uint64_t upload_bytes(const net::BodyFraming& framing, const Config& config);
/// What reading an object may hold; of one that is elsewhere nothing is known.
std::uint64_t read_bytes(const std::optional<store::IndexEntry>& here, const Config& config);

class Admissions {
 public:
  /// `client` is the address, or the node, that asks.
  [[nodiscard]] std::optional<Admission::Place> enter(Work work, std::string_view client, std::uint64_t bytes,
                                                      const Config& config) {
    return of(work).enter(client, bytes, room_of(work, config), Admission::Clock::now());
  }
  [[nodiscard]] Admission::Stats stats(Work work) const { return kinds_[static_cast<std::size_t>(work)].stats(); }

 private:
  Admission& of(Work work) { return kinds_[static_cast<std::size_t>(work)]; }
  std::array<Admission, kAllWork.size()> kinds_;
};

}  // namespace brigade::node
