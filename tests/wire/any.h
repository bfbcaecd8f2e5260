// Random well-formed values, for use inside of rapidcheck properties.
#pragma once

#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

std::uint64_t any_number(std::uint64_t min, std::uint64_t max);
BucketSet any_buckets();
NodeInfo any_node();
/// Of the kind at `index` in the variant.
Change any_change(std::size_t index);
/// Of the kind at `index` in the variant; fits a datagram.
Message any_message(std::size_t index);
Snapshot any_snapshot();

}  // namespace brigade::wire
