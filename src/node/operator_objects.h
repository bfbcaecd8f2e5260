// Lists of keys, for `brigade ls`.
// Concept: keys are only in records, not in any index, so a list reads what it lists: each node goes through the
// objects
//          that it is primary of, and the node that was asked merges. Slow where there are many objects, by nature.
// Thread:  the data plane's executor; reading is on the disk pool, a slice of the home buckets at a time.
#pragma once

#include "node_context.h"

#include <cstdint>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

namespace brigade::node {

/// Keys that start with `prefix` and are above `after`, byte by byte; the lowest `limit` of them.
struct KeyQuery {
  // A constructor, because g++ 12 destroys an aggregate temporary in a co_await expression twice.
  KeyQuery(std::string prefix_in, std::string after_in, std::size_t limit_in)
      : prefix(std::move(prefix_in)), after(std::move(after_in)), limit(limit_in) {}
  std::string prefix;
  std::string after;
  std::size_t limit;  ///< from 1
};

/// GET /cluster/objects: {"objects": [{"key", "size", "redundancy", "revision", "modified"}], "next": the last key if
/// there are more, else null, "unreachable": [nodes whose objects are missing]}. Errors: kUnavailable: this takes too
/// long here.
asio::awaitable<Result<boost::json::object>> list_all_objects(NodeContext& context, const KeyQuery& query);

}  // namespace brigade::node
