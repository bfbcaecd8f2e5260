// Strong types for everything that is counted or named.  Source: design §2 Words.
// Concept: ids of different kinds never mix, and none converts from or to a bare integer by itself.
// Thread:  values; any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace brigade {

/// Calls of `StrongId::operator<=>` compare the bare values.
template <class Tag, class Rep>
struct StrongId {
  using rep = Rep;
  Rep value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  constexpr auto operator<=>(const StrongId&) const = default;
  /// True unless this is the "none" value, zero.
  constexpr explicit operator bool() const { return value != Rep{}; }
};

/// A node, for ever: drawn at random when the node is bootstrapped, never used twice. 0 means none.
using NodeId = StrongId<struct NodeIdTag, std::uint64_t>;
/// One of the 65 536 slots of the id space. 0 is an ordinary bucket.
using BucketId = StrongId<struct BucketIdTag, std::uint16_t>;
/// Position of a transaction in the log; the first is 1, 0 means none.
using Seq = StrongId<struct SeqTag, std::uint64_t>;
/// How often a node has started; grows by one at every start, on disk before the first datagram.
using Incarnation = StrongId<struct IncarnationTag, std::uint64_t>;
/// A cluster, drawn at random when it is bootstrapped.
using ClusterId = StrongId<struct ClusterIdTag, std::uint64_t>;
/// The identity of a node's store, drawn at random when its directory is made. A new disk has a new one.
using StoreId = StrongId<struct StoreIdTag, std::uint64_t>;

constexpr Seq next(Seq s) {
  return Seq{s.value + 1};
}
constexpr Seq previous(Seq s) {
  return Seq{s.value - 1};
}

/// 65 536. The simulator's swarm is compiled with fewer: the rules are the same, and many more seeds run in its time.
#ifdef BRIGADE_BUCKET_COUNT
inline constexpr std::size_t kBucketCount = BRIGADE_BUCKET_COUNT;
#else
inline constexpr std::size_t kBucketCount = 65536;
#endif

/// A group's number: counter first, then coordinator.  Source: design §4; Garcia-Molina 1982, group number.
struct Epoch {
  std::uint64_t counter = 0;
  NodeId coordinator;
  constexpr auto operator<=>(const Epoch&) const = default;
  constexpr explicit operator bool() const { return counter != 0; }
};

/// Where a log ends: epoch and seq of its last entry. Ordered as the election's priority is: epoch first.
struct Position {
  Epoch epoch;
  Seq seq;
  constexpr auto operator<=>(const Position&) const = default;
};

/// 128-bit XXH3 of the key with the cluster's secret; the first 16 bits are the home bucket.
struct ObjectId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  constexpr auto operator<=>(const ObjectId&) const = default;
};

/// Orders the versions of one object: view (40 bits) above count (24 bits). 0 means none.  Source: design §5 Writes.
struct Revision {
  std::uint64_t value = 0;
  static constexpr int kCountBits = 24;
  static constexpr std::uint64_t kCountMax = (std::uint64_t{1} << kCountBits) - 1;
  static constexpr std::uint64_t kViewMax = (std::uint64_t{1} << 40) - 1;

  /// Requires view <= kViewMax and count <= kCountMax.
  static constexpr Revision of(Seq view, std::uint64_t count) { return Revision{(view.value << kCountBits) | count}; }
  [[nodiscard]] constexpr Seq view() const { return Seq{value >> kCountBits}; }
  [[nodiscard]] constexpr std::uint64_t count() const { return value & kCountMax; }
  constexpr auto operator<=>(const Revision&) const = default;
  constexpr explicit operator bool() const { return value != 0; }
};

// Text forms. Nodes, clusters and stores are 16 hex digits; epochs "counter.coordinator"; object ids 32 hex digits;
// revisions "view.count"; the rest decimal.
std::string to_string(NodeId id);
std::string to_string(ClusterId id);
std::string to_string(StoreId id);
std::string to_string(BucketId id);
std::string to_string(Seq seq);
std::string to_string(Incarnation incarnation);
std::string to_string(const Epoch& epoch);
std::string to_string(const Position& position);
std::string to_string(const ObjectId& id);
std::string to_string(Revision revision);

}  // namespace brigade

template <class Tag, class Rep>
struct std::hash<brigade::StrongId<Tag, Rep>> {
  std::size_t operator()(const brigade::StrongId<Tag, Rep>& id) const noexcept { return std::hash<Rep>{}(id.value); }
};
template <>
struct std::hash<brigade::ObjectId> {
  std::size_t operator()(const brigade::ObjectId& id) const noexcept { return static_cast<std::size_t>(id.low); }
};
