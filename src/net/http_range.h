// The Range field.  Source: RFC 9110 §14.1, §14.2.
// Thread:  pure functions.
#pragma once

#include "brigade/net/http_semantics.h"

namespace brigade::net {

/// How to answer a GET with this Range, of an object of `size` bytes: 206, 416, or 200 where the field is malformed, of
/// another unit, or asks for more than kRangesMax ranges: the RFC lets a server ignore it.
ReadDecision decide_range(std::string_view range, std::uint64_t size);

}  // namespace brigade::net
