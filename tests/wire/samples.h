// One fixed value of each kind, and the bytes of things as text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "brigade/wire/auth.h"
#include "brigade/wire/codec.h"
#include "brigade/wire/message.h"
#include "brigade/wire/snapshot.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

std::string hex(std::span<const std::byte> bytes);

BucketSet buckets(std::initializer_list<std::uint16_t> ids);
NodeInfo sample_node();
/// A node whose texts are as long as they may be.
NodeInfo longest_node();
/// In the order of the variant.
std::vector<Change> sample_changes();
/// In the order of the variant.
std::vector<Message> sample_messages();
/// Two nodes, some buckets in each state.
Snapshot sample_snapshot();
ClusterSecret sample_secret();

}  // namespace brigade::wire
