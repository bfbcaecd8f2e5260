// Who sent this, and is it new?  Source: design §7 Cluster datagrams; testing "Cluster traffic is one, too".
// Concept: a datagram = frame header (magic, version, cluster id, sender, incarnation, counter) + message + MAC. The
// MAC
//          (HMAC-SHA-256 cut to 16 bytes, keyed with the cluster secret) covers all before it. A window per sender
//          drops replays; a lower incarnation is dropped for good.
// Thread:  one owner. A datagram that is refused changes no state.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "brigade/base/ids.h"
#include "brigade/base/limits.h"
#include "brigade/base/result.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/message.h"

namespace brigade::wire {

/// The cluster's secret: 32 random bytes, in DIR/secret as 64 hex digits.
struct ClusterSecret {
  std::array<std::byte, 32> bytes{};
  /// 64 hex digits, one newline allowed at the end. Errors: kInvalid.
  static Result<ClusterSecret> parse(std::string_view hex);
  [[nodiscard]] std::string hex() const;
};

using Mac = std::array<std::byte, 32>;
/// A MAC on the wire is cut to this.
inline constexpr std::size_t kMacBytes = 16;

/// HMAC-SHA-256 with a key of its own for each purpose ("datagram", "peer", "join"): HMAC(secret, purpose).
class Authenticator {
 public:
  Authenticator(const ClusterSecret& secret, std::string_view purpose);
  ~Authenticator();
  Authenticator(Authenticator&&) noexcept;
  Authenticator& operator=(Authenticator&&) noexcept;
  [[nodiscard]] Mac mac(std::span<const std::byte> bytes) const;
  [[nodiscard]] Mac mac(std::string_view bytes) const;
  /// In constant time. `mac` may be cut, to at least kMacBytes; anything shorter, or longer than a Mac, is false.
  [[nodiscard]] bool verify(std::span<const std::byte> bytes, std::span<const std::byte> mac) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Puts frames around messages.
class DatagramSealer {
 public:
  DatagramSealer(const ClusterSecret& secret, ClusterId cluster, NodeId self, Incarnation incarnation,
                 std::uint32_t speaks = kProtocolVersion);
  /// At most limits::kDatagramBytesMax bytes (checked). Each call uses the next counter. Requires a version up to what
  /// the node speaks.
  Bytes seal(const Message& message, std::uint32_t version = kFirstVersion);

 private:
  Authenticator authenticator_;
  ClusterId cluster_;
  NodeId self_;
  Incarnation incarnation_;
  std::uint32_t speaks_;
  std::uint64_t counter_ = 0;
};

/// Why a datagram was dropped; the label of a counter.
enum class Drop : std::uint8_t {
  kMalformed,       ///< no frame of ours, or authentic with a message that breaks a rule
  kForeignCluster,  ///< another cluster on the same group
  kBadMac,          ///< not made with the cluster's secret
  kReplayed,        ///< seen before, or too old to tell
  kOldIncarnation,  ///< from an earlier life of the sender
  kOwn,             ///< our own echo
  kVersion,         ///< a version that this program does not read
};
inline constexpr std::size_t kDropCount = 7;
/// "bad-mac", ...
std::string_view drop_name(Drop drop);
/// What happened and what to do, for a log line; of a foreign version it names both. `datagram` is what was dropped by
/// a program that speaks up to `speaks`.
std::string drop_text(Drop drop, std::span<const std::byte> datagram, std::uint32_t speaks = kProtocolVersion);

inline constexpr std::size_t kFrameBytes = 40;
static_assert(kFrameBytes + kMessageBytesMax + kMacBytes == limits::kDatagramBytesMax);

/// Takes frames off, and drops what is forged, foreign, replayed, late from an earlier life, or our own echo. The first
/// datagram of a sender may have any counter. Nothing here is kept over a restart, so what was recorded before can be
/// played again once to a node that has just started: the protocol bears that, as it bears any late datagram. The same
/// holds for a sender that was forgotten because kSendersMax others, all with the secret, were heard after it.
class DatagramOpener {
 public:
  DatagramOpener(const ClusterSecret& secret, ClusterId cluster, NodeId self, std::uint32_t speaks = kProtocolVersion);
  boost::system::result<Envelope, Drop> open(std::span<const std::byte> datagram);

 private:
  static constexpr std::size_t kWindow = 1024;  ///< counters that may arrive out of order
  static constexpr std::size_t kSendersMax = 4 * limits::kNodesMax;

  /// What has been accepted from one node. Seen counters are those in (highest - kWindow, highest] whose bit is set.
  struct Sender {
    Incarnation incarnation;
    std::uint64_t highest = 0;
    std::uint64_t heard = 0;  ///< the opener's count of datagrams when this sender's last one was accepted
    std::bitset<kWindow> seen;

    [[nodiscard]] bool has_seen(std::uint64_t counter) const;
    void mark(std::uint64_t counter);
  };

  void accept(NodeId from, Incarnation incarnation, std::uint64_t counter);

  Authenticator authenticator_;
  ClusterId cluster_;
  NodeId self_;
  std::uint32_t speaks_;
  std::uint64_t accepted_ = 0;
  std::map<NodeId, Sender> senders_;  ///< at most kSendersMax
};

}  // namespace brigade::wire
