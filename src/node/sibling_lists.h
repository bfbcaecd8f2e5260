// What siblings tell each other of the objects that they share: digests and lists, as text lines between nodes.
// Source: design §5 Filling; proto/README.md "Peer requests".
// Thread:  pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "brigade/base/checksum.h"
#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/placement/replicas.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

/// The objects with one home bucket and one level: exactly what all siblings of the run share.
struct SharedPart {
  BucketId home;
  placement::Level level;
  auto operator<=>(const SharedPart&) const = default;
};

inline constexpr std::size_t kPartsMax = 8192;  ///< in one request

std::string part_line(const SharedPart& part);
/// Errors: kInvalid.
Result<std::vector<SharedPart>> parse_parts(std::string_view body);

void append_digest(std::string& body, const SharedPart& part, const Digest& digest);
/// In the order of the request. Errors: kBadGateway.
Result<std::vector<Digest>> parse_digests(std::string_view body, const std::vector<SharedPart>& parts);

void append_entry(std::string& body, const store::IndexEntry& entry);
/// Errors: kBadGateway.
Result<std::vector<store::IndexEntry>> parse_entries(std::string_view body);

/// Those of `ours` of which `theirs` has nothing as new. To a sibling in sync they are leftovers: it has all that was
/// acknowledged, so what a primary committed alone before it fell goes, too, be it new or in the place of what was
/// there.
std::vector<store::IndexEntry> unknown_to(const std::vector<store::IndexEntry>& theirs,
                                          std::vector<store::IndexEntry> ours);

}  // namespace brigade::node
