// What a well-formed value is.  Source: design §7 "Whatever arrives from outside is checked before use".
// Concept: the rules that every value must keep by itself, whatever the state of the cluster: sizes, characters,
// ranges,
//          orders. Whoever makes a value from input (a joining node, an operator) asks here before it travels; decoding
//          asks here before it hands a value on, so a value that decodes is well-formed. What depends on the state (is
//          the name taken, is the node known) is not decided here.
// Thread:  pure functions. Errors: kInvalid, with the field and the rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/base/time.h"
#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

/// A revision's view is a seq in 40 bits: no log can go beyond.
inline constexpr Seq kSeqMax{Revision::kViewMax};
/// Far more elections than there will be, and far from wrapping.
inline constexpr std::uint64_t kEpochCounterMax = (std::uint64_t{1} << 48) - 1;
inline constexpr Duration kDurationMax = std::chrono::hours{1};

/// Node names and, if not empty, zones: [A-Za-z0-9._-], 1 to limits::kNameBytesMax.
bool is_name(std::string_view text);
/// host:port; the host is an IPv4 address or a DNS name, the port 1 to 65535 without leading zeros.
bool is_address(std::string_view text);
/// UTF-8 as RFC 3629 has it: no surrogates, nothing over-long, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

Status validate(const NodeInfo& node);
/// Also that the change, encoded, fits limits::kEntryBytesMax.
Status validate(const Change& change);
Status validate(const Message& message);
Status validate(const Snapshot& snapshot);

}  // namespace brigade::wire
