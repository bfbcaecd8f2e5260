#include "operator_requests.h"

#include "drawn_id.h"
#include "record_fields.h"

#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"
#include "brigade/wire/validate.h"

namespace brigade::node {

namespace json = boost::json;

Result<std::uint64_t> query_number(std::string_view query, std::string_view name, std::uint64_t fallback,
                                   std::uint64_t max) {
  const auto value = net::query_value(query, name);
  if (!value) return value.error();
  if (!*value) return fallback;
  const auto number = parse_number(**value);
  if (!number || *number > max)
    return Error{Errc::kInvalid, std::string(name) + " must be a number from 0 to " + std::to_string(max)};
  return *number;
}

Result<std::string> query_text(std::string_view query, std::string_view name) {
  auto value = net::query_value(query, name);
  if (!value) return value.error();
  if (!*value) return std::string();
  if ((*value)->size() > limits::kKeyBytesMax)
    return Error{Errc::kInvalid, std::string(name) + " is longer than a key may be"};
  return std::move(**value);
}

const json::string* text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value == nullptr ? nullptr : value->if_string();
}

Result<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return Error{Errc::kInvalid, "the body must be one JSON object"};
  return std::move(value.get_object());
}

std::string change_json(const wire::Change& change) {
  json::object out;
  out["kind"] = wire::kind_name(change);
  if (const auto* removed = std::get_if<wire::NodeRemoved>(&change)) out["node"] = to_string(removed->node);
  if (const auto* draining = std::get_if<wire::NodeDraining>(&change)) {
    out["node"] = to_string(draining->node);
    out["draining"] = draining->draining;
  }
  if (const auto* shape = std::get_if<wire::NodeReshaped>(&change)) {
    out["node"] = to_string(shape->node);
    out["zone"] = shape->zone;
    out["weight"] = shape->weight;
  }
  if (const auto* replaced = std::get_if<wire::NodeReplaced>(&change)) {
    out["node"] = to_string(replaced->node);
    out["by"] = to_string(replaced->by);
  }
  if (const auto* loss = std::get_if<wire::LossAccepted>(&change)) {
    json::array runs;
    for (const BucketSet::Run& run : loss->buckets.runs()) runs.push_back(json::array{run.first, run.end});
    out["runs"] = std::move(runs);
  }
  if (const auto* setting = std::get_if<wire::SettingChanged>(&change)) {
    out["name"] = setting->name;
    out["value"] = setting->value;
  }
  return json::serialize(out);
}

namespace {

/// Of "runs": [[first, end], ...].
std::optional<BucketSet> parse_runs(const json::object& object) {
  const json::value* runs = object.if_contains("runs");
  if (runs == nullptr || !runs->is_array()) return std::nullopt;
  BucketSet buckets;
  for (const json::value& value : runs->get_array()) {
    const json::array* run = value.if_array();
    if (run == nullptr || run->size() != 2 || !(*run)[0].is_int64() || !(*run)[1].is_int64()) return std::nullopt;
    const std::int64_t first = (*run)[0].get_int64(), end = (*run)[1].get_int64();
    if (first < 0 || first >= end || end > static_cast<std::int64_t>(kBucketCount)) return std::nullopt;
    for (std::int64_t b = first; b < end; ++b) buckets.add(BucketId{static_cast<std::uint16_t>(b)});
  }
  return buckets;
}

std::optional<std::uint32_t> weight_of(const json::value& value) {
  const std::int64_t* number = value.if_int64();
  if (number == nullptr || *number < 0 || *number > limits::kWeightMax) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// Of a change of one node, whose kind and id are known.
std::optional<wire::Change> parse_node_change(std::string_view kind, NodeId node, const json::object& object) {
  const json::value* draining = object.if_contains("draining");
  const json::value* weight = object.if_contains("weight");
  const json::string* zone = text_in(object, "zone");
  const json::string* by = text_in(object, "by");
  if (kind == "NodeRemoved") return wire::NodeRemoved{node};
  if (kind == "NodeDraining" && draining != nullptr && draining->is_bool())
    return wire::NodeDraining{node, draining->get_bool()};
  if (kind == "NodeReshaped" && zone != nullptr && weight != nullptr && weight_of(*weight))
    return wire::NodeReshaped{node, std::string(*zone), *weight_of(*weight)};
  if (kind == "NodeReplaced" && by != nullptr && parse_hex64(*by))
    return wire::NodeReplaced{node, NodeId{*parse_hex64(*by)}};
  return std::nullopt;
}

}  // namespace

Status check_change(const wire::Change& change) {
  const Status ok = wire::validate(change);
  if (ok) return {};
  std::string detail = ok.error().detail();
  const std::string internal = std::string(wire::kind_name(change)) + ": ";
  if (detail.starts_with(internal)) detail.erase(0, internal.size());
  return Error{ok.error().code(), std::move(detail)};
}

Result<wire::Change> parse_change(std::string_view text) {
  const Error malformed{Errc::kInvalid, "not a change that an operator may ask for"};
  const auto object = parse_object(text);
  if (!object) return malformed;
  const json::string* kind = text_in(*object, "kind");
  const json::string* node = text_in(*object, "node");
  const json::string* name = text_in(*object, "name");
  const json::string* value = text_in(*object, "value");
  wire::Change change;
  if (kind != nullptr && *kind == "SettingChanged" && name != nullptr && value != nullptr) {
    change = wire::SettingChanged{std::string(*name), std::string(*value)};
  } else if (kind != nullptr && *kind == "LossAccepted") {
    auto buckets = parse_runs(*object);
    if (!buckets) return malformed;
    change = wire::LossAccepted{std::move(*buckets)};
  } else if (kind != nullptr && node != nullptr && parse_hex64(*node)) {
    auto of_node = parse_node_change(*kind, NodeId{*parse_hex64(*node)}, *object);
    if (!of_node) return malformed;
    change = std::move(*of_node);
  } else {
    return malformed;
  }
  if (auto ok = wire::validate(change); !ok) return ok.error();
  return change;
}

Result<wire::SettingChanged> parse_setting(std::string_view body) {
  const auto object = parse_object(body);
  if (!object) return object.error();
  const json::string* name = text_in(*object, "name");
  const json::string* value = text_in(*object, "value");
  if (name == nullptr || value == nullptr)
    return Error{Errc::kInvalid, R"(a setting is changed with {"name": ..., "value": ...}, both texts)"};
  wire::SettingChanged change{std::string(*name), std::string(*value)};
  if (auto ok = check_change(wire::Change(change)); !ok) return ok.error();
  return change;
}

Result<NodeWish> parse_node_wish(std::string_view body) {
  const auto object = parse_object(body);
  if (!object) return object.error();
  const json::string* name = text_in(*object, "node");
  if (name == nullptr) return Error{Errc::kInvalid, R"(a node is named with {"node": "its name"})"};
  const json::value* draining = object->if_contains("draining");
  if (draining != nullptr && !draining->is_bool()) return Error{Errc::kInvalid, R"("draining" is true or false)"};
  NodeWish wish{.node = std::string(*name), .zone = {}, .weight = {}, .with = {}};
  if (draining != nullptr) wish.draining = draining->get_bool();
  const json::string* zone = text_in(*object, "zone");
  const json::string* with = text_in(*object, "with");
  const json::value* weight = object->if_contains("weight");
  if (zone == nullptr && object->contains("zone")) return Error{Errc::kInvalid, R"("zone" is a text)"};
  if (with == nullptr && object->contains("with")) return Error{Errc::kInvalid, R"("with" is a node's name)"};
  if (zone != nullptr) wish.zone = std::string(*zone);
  if (with != nullptr) wish.with = std::string(*with);
  if (weight != nullptr) {
    wish.weight = weight_of(*weight);
    if (!wish.weight) return Error{Errc::kInvalid, R"("weight" is a number from 0 to 1000000)"};
  }
  return wish;
}

Result<std::optional<BucketSet>> parse_loss(std::string_view body) {
  const Error malformed{Errc::kInvalid, R"(a loss is accepted with {"buckets": [NUMBER, ...]} or {"all": true})"};
  const auto object = parse_object(body);
  if (!object) return object.error();
  const json::value* all = object->if_contains("all");
  const json::value* numbers = object->if_contains("buckets");
  if ((all == nullptr) == (numbers == nullptr)) return malformed;
  if (all != nullptr) {
    if (!all->is_bool() || !all->get_bool()) return malformed;
    return std::optional<BucketSet>();
  }
  BucketSet buckets;
  if (!numbers->is_array() || numbers->get_array().empty()) return malformed;
  for (const json::value& number : numbers->get_array()) {
    if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() >= static_cast<std::int64_t>(kBucketCount))
      return malformed;
    buckets.add(BucketId{static_cast<std::uint16_t>(number.get_int64())});
  }
  return std::optional(std::move(buckets));
}

Result<std::string> parse_join(std::string_view body) {
  const auto object = parse_object(body);
  const json::string* name = object ? text_in(*object, "name") : nullptr;
  if (name == nullptr || !wire::is_name(*name))
    return Error{Errc::kInvalid, "a node that joins has a name of letters, digits, '.', '_' and '-'"};
  return std::string(*name);
}

}  // namespace brigade::node
