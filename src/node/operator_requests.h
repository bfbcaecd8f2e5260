// What operators and newcomers ask for: the bodies and queries of their requests, checked.
// Source: design §7; testing "Cluster traffic is one, too".
// Concept: from text to values, and nothing else: tests/fuzz feeds anything to these.
// Thread:  pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "brigade/base/result.h"
#include "brigade/wire/transaction.h"

namespace brigade::node {

/// A decimal number in a query, `fallback` where it is absent. Errors: kInvalid (malformed, above `max`).
Result<std::uint64_t> query_number(std::string_view query, std::string_view name, std::uint64_t fallback,
                                   std::uint64_t max);
/// A text in a query, empty where it is absent. Errors: kInvalid (malformed, longer than a key).
Result<std::string> query_text(std::string_view query, std::string_view name);

/// The text at `name`; nothing if it is absent or no text.
const boost::json::string* text_in(const boost::json::object& object, std::string_view name);
/// Errors: kInvalid unless `text` is one JSON object.
Result<boost::json::object> parse_object(std::string_view text);

/// As wire::validate, in people's words: without the name that a kind of transaction has in the program.
Status check_change(const wire::Change& change);

/// The JSON of a change that an operator may ask for (NodeRemoved, NodeDraining, NodeReshaped, NodeReplaced,
/// LossAccepted, SettingChanged), as it travels between nodes.
std::string change_json(const wire::Change& change);
/// Errors: kInvalid.
Result<wire::Change> parse_change(std::string_view text);

/// `PUT /cluster/settings`: the change. Errors: kInvalid.
Result<wire::SettingChanged> parse_setting(std::string_view body);
/// `POST /cluster/remove`, `/cluster/drain`, `/cluster/reshape`, `/cluster/replace`: the node's name, and what is to
/// become of it. Errors: kInvalid.
struct NodeWish {
  std::string node;
  bool draining = true;
  std::optional<std::string> zone;
  std::optional<std::uint32_t> weight;
  std::string with;  ///< the other node's name
};
Result<NodeWish> parse_node_wish(std::string_view body);
/// `POST /cluster/accept-loss`: the buckets; nothing: all that are lost. Errors: kInvalid.
Result<std::optional<BucketSet>> parse_loss(std::string_view body);
/// `POST /cluster/join`: the newcomer's name. Errors: kInvalid.
Result<std::string> parse_join(std::string_view body);

}  // namespace brigade::node
