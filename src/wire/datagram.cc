// The frame around messages, and what is let in.  Source: proto/README.md "Datagrams".
#include "little_endian.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"
#include "brigade/wire/auth.h"

namespace brigade::wire {

namespace {

constexpr std::array<std::byte, 4> kMagic{std::byte{'B'}, std::byte{'R'}, std::byte{'G'}, std::byte{'D'}};
constexpr std::string_view kPurpose = "datagram";

// Offsets in the frame.
constexpr std::size_t kVersionAt = 4;
constexpr std::size_t kFurtherAt = 5;  // versions that the sender speaks beyond that one; then two zeros
constexpr std::size_t kClusterAt = 8;
constexpr std::size_t kSenderAt = 16;
constexpr std::size_t kIncarnationAt = 24;
constexpr std::size_t kCounterAt = 32;
static_assert(kCounterAt + 8 == kFrameBytes);

bool has_magic(std::span<const std::byte> datagram) {
  return datagram.size() > kVersionAt && std::equal(kMagic.begin(), kMagic.end(), datagram.begin());
}

}  // namespace

DatagramSealer::DatagramSealer(const ClusterSecret& secret, ClusterId cluster, NodeId self, Incarnation incarnation,
                               std::uint32_t speaks)
    : authenticator_(secret, kPurpose), cluster_(cluster), self_(self), incarnation_(incarnation), speaks_(speaks) {}

Bytes DatagramSealer::seal(const Message& message, std::uint32_t version) {
  BRIGADE_CHECK(version >= kFirstVersion && version <= speaks_, "version " << version << " of " << speaks_);
  const Bytes body = encode(message);
  BRIGADE_CHECK(body.size() <= kMessageBytesMax, kind_name(message) << " of " << body.size() << " bytes");
  Bytes out;
  out.reserve(kFrameBytes + body.size() + kMacBytes);
  out.insert(out.end(), kMagic.begin(), kMagic.end());
  put(out, version | (speaks_ - version) << 8);
  put(out, cluster_.value);
  put(out, self_.value);
  put(out, incarnation_.value);
  put(out, ++counter_);
  out.insert(out.end(), body.begin(), body.end());
  const Mac mac = authenticator_.mac(out);
  out.insert(out.end(), mac.begin(), mac.begin() + kMacBytes);
  return out;
}

DatagramOpener::DatagramOpener(const ClusterSecret& secret, ClusterId cluster, NodeId self, std::uint32_t speaks)
    : authenticator_(secret, kPurpose), cluster_(cluster), self_(self), speaks_(speaks) {}

boost::system::result<Envelope, Drop> DatagramOpener::open(std::span<const std::byte> datagram) {
  if (!has_magic(datagram) || datagram.size() > limits::kDatagramBytesMax) return Drop::kMalformed;
  const auto version = std::to_integer<std::uint32_t>(datagram[kVersionAt]);
  if (!reads(speaks_, version)) return Drop::kVersion;
  if (datagram.size() < kFrameBytes + kMacBytes) return Drop::kMalformed;
  if (get<std::uint64_t>(datagram, kClusterAt) != cluster_.value) return Drop::kForeignCluster;
  const auto signed_part = datagram.first(datagram.size() - kMacBytes);
  if (!authenticator_.verify(signed_part, datagram.last(kMacBytes))) return Drop::kBadMac;

  const NodeId from{get<std::uint64_t>(datagram, kSenderAt)};
  const Incarnation incarnation{get<std::uint64_t>(datagram, kIncarnationAt)};
  const auto counter = get<std::uint64_t>(datagram, kCounterAt);
  const std::uint32_t speaks = version + std::to_integer<std::uint32_t>(datagram[kFurtherAt]);
  if (!from || speaks > kVersionMax || get<std::uint32_t>(datagram, kVersionAt) >> 16 != 0) return Drop::kMalformed;
  if (from == self_) return Drop::kOwn;
  if (const auto known = senders_.find(from); known != senders_.end()) {
    if (incarnation < known->second.incarnation) return Drop::kOldIncarnation;
    if (incarnation == known->second.incarnation && known->second.has_seen(counter)) return Drop::kReplayed;
  }
  auto message = decode_message(signed_part.subspan(kFrameBytes));
  if (!message) return Drop::kMalformed;
  accept(from, incarnation, counter);
  return Envelope{from, incarnation, *std::move(message), version, speaks};
}

void DatagramOpener::accept(NodeId from, Incarnation incarnation, std::uint64_t counter) {
  if (senders_.size() >= kSendersMax && senders_.count(from) == 0)
    senders_.erase(std::min_element(senders_.begin(), senders_.end(),
                                    [](const auto& a, const auto& b) { return a.second.heard < b.second.heard; }));
  Sender& sender = senders_[from];
  if (incarnation > sender.incarnation || sender.heard == 0) {
    sender = Sender{};
    sender.incarnation = incarnation;
    sender.highest = counter;
  }
  sender.mark(counter);
  sender.heard = ++accepted_;
}

bool DatagramOpener::Sender::has_seen(std::uint64_t counter) const {
  if (counter > highest) return false;
  return highest - counter >= kWindow || seen[counter % kWindow];
}

void DatagramOpener::Sender::mark(std::uint64_t counter) {
  if (counter > highest) {
    // The places of the counters in between are those of counters that just left the window.
    if (counter - highest >= kWindow) seen.reset();
    for (std::uint64_t c = highest + 1; c < counter && counter - c < kWindow; ++c) seen.reset(c % kWindow);
    highest = counter;
  }
  seen.set(counter % kWindow);
}

std::string drop_text(Drop drop, std::span<const std::byte> datagram, std::uint32_t speaks) {
  const std::string prefix = "a datagram of " + std::to_string(datagram.size()) + " bytes was dropped: ";
  switch (drop) {
    case Drop::kMalformed:
      return prefix + "it is not one of ours, or breaks a rule of proto/README.md";
    case Drop::kForeignCluster:
      return prefix + "it belongs to another cluster; give each cluster a multicast group or port of its own";
    case Drop::kBadMac:
      return prefix + "it was not made with this cluster's secret; compare DIR/secret on the nodes";
    case Drop::kReplayed:
      return prefix + "it has been seen before";
    case Drop::kOldIncarnation:
      return prefix + "it is from an earlier start of its sender; or two nodes run from copies of one directory";
    case Drop::kOwn:
      return prefix + "it is this node's own";
    case Drop::kVersion:
      break;
  }
  const auto version = has_magic(datagram) ? std::to_integer<unsigned>(datagram[kVersionAt]) : 0U;
  return prefix + "it has protocol " + unreadable(speaks, version);
}

}  // namespace brigade::wire
