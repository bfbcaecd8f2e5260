// XXH3 in the three roles that it has here: naming objects, checking bytes, and mixing digests.
// Source: design §2 (object id), §5 (digests). XXH3 is no cryptographic hash; authentication is wire/auth.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "brigade/base/ids.h"

namespace brigade {

/// The cluster's naming secret, from which ObjectId is seeded. Same on all nodes, never changes.
struct NamingSecret {
  std::uint64_t seed = 0;
};

/// The object id of `key`.
ObjectId object_id(NamingSecret secret, std::string_view key);

/// 64-bit XXH3 of `bytes`.
std::uint64_t checksum(std::span<const std::byte> bytes);
std::uint64_t checksum(std::string_view bytes);

/// XXH3-64 of a stream that arrives in pieces.
class ChecksumStream {
 public:
  ChecksumStream();
  ~ChecksumStream();
  ChecksumStream(ChecksumStream&&) noexcept;
  ChecksumStream& operator=(ChecksumStream&&) noexcept;
  void update(std::span<const std::byte> bytes);
  /// May be called at any time; the stream goes on.
  [[nodiscard]] std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// An order-free digest of a set of (id, revision): adding and removing are the same cheap operation on 128 bits.
struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t count = 0;  ///< Members of the set.
  auto operator<=>(const Digest&) const = default;
  void add(const ObjectId& id, Revision revision);
  void remove(const ObjectId& id, Revision revision);
};

}  // namespace brigade
