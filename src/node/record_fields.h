// A record's meta as header fields between nodes.  Source: proto/README.md "Peer requests".
// Concept: all of store::ObjectMeta but the size, which is the body's. Names start with Brigade-, so they are signed.
// Thread:  pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "brigade/base/ids.h"
#include "brigade/base/result.h"
#include "brigade/net/http.h"
#include "brigade/store/object_store.h"

namespace brigade::node {

inline constexpr std::string_view kMapSeqField = "Brigade-Map-Seq";
inline constexpr std::string_view kKeyField = "Brigade-Key";
inline constexpr std::string_view kRevisionField = "Brigade-Revision";
inline constexpr std::string_view kRedundancyField = "Brigade-Redundancy";
/// Of a record that comes without its body: which revision of the same object has it.
inline constexpr std::string_view kBodyOfField = "Brigade-Body-Of";
/// Of a 503 to a request for which there was no room: nothing of it has happened.
inline constexpr std::string_view kNoRoomField = "Brigade-No-Room";
/// For whom a node asks another one: the client's address.
inline constexpr std::string_view kClientField = "Brigade-Client";

void put_record_fields(net::Fields& fields, const store::ObjectMeta& meta);
/// id is taken from `id`, size is left 0. Errors: kInvalid.
Result<store::ObjectMeta> take_record_fields(const net::Fields& fields, const ObjectId& id);

/// What a commit of such a record needs.
store::CommitInfo commit_info(const store::ObjectMeta& meta);
/// True if `meta` says when it expires, and that is over by now.
bool has_expired(const store::ObjectMeta& meta, WallTime now);

std::optional<ObjectId> parse_object_id(std::string_view hex);
/// "view.count"; nothing if malformed.
std::optional<Revision> parse_revision(std::string_view text);
std::optional<std::uint64_t> parse_number(std::string_view decimal);
/// The map seq that a peer's request was made under. Errors: kInvalid if absent.
Result<Seq> take_map_seq(const net::Fields& fields);

}  // namespace brigade::node
