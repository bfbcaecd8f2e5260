// Bytes of messages, transactions and snapshots.  Source: proto/*.capnp, proto/README.md.
// Concept: the only door between Cap'n Proto and the rest. Decoding checks everything that a value's type promises:
//          sizes, enums, ranges, counts, UTF-8 where text is text; a value that decodes is well-formed.
// Thread:  pure functions. Errors: kInvalid, with what is wrong; never an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "brigade/base/result.h"
#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

using Bytes = std::vector<std::byte>;

/// What is left of a datagram for its message: limits::kDatagramBytesMax less the frame and the MAC (wire/auth.h).
inline constexpr std::size_t kMessageBytesMax = 1344;
/// A snapshot is refused above this; real ones are a few hundred KiB. For whoever reads one from a peer.
inline constexpr std::size_t kSnapshotBytesMax = std::size_t{16} << 20;

/// A message fits a datagram if encoded_bytes(message) <= kMessageBytesMax. All valid ones do, but an Append of several
/// entries (one always fits): how many go into one is the sender's to count. Decoding takes what fits, and nothing
/// else.
Bytes encode(const Message& message);
/// Size of encode(message), for batching.
std::size_t encoded_bytes(const Message& message);
Result<Message> decode_message(std::span<const std::byte> bytes);

/// A transaction's change alone, as the journal stores it beside its position. Requires encoded_bytes(change) <=
/// limits::kEntryBytesMax: an entry that nobody can decode must not get into a log. (validate() says so beforehand.)
Bytes encode(const Change& change);
Result<Change> decode_change(std::span<const std::byte> bytes);
/// Size of encode(change); what limits::kEntryBytesMax bounds. Takes changes of any size, so that they can be split.
std::size_t encoded_bytes(const Change& change);

/// Versioned, with a checksum over the whole (file and stream format, proto/README.md). Requires kBucketCount cells
/// whose owners are all in the roster.
Bytes encode(const Snapshot& snapshot);
/// For a program that speaks up to `speaks`.
Result<Snapshot> decode_snapshot(std::span<const std::byte> bytes, std::uint32_t speaks = kProtocolVersion);

}  // namespace brigade::wire
