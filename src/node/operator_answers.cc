#include "operator_answers.h"

#include "operator_json.h"
#include "record_fields.h"

#include <utility>

#include <boost/json/parse.hpp>

#include "brigade/base/limits.h"
#include "brigade/net/http_semantics.h"

namespace brigade::node {

namespace json = boost::json;

asio::awaitable<void> send_text(net::Response& response, std::string content_type, std::string body) {
  net::ResponseHead head;
  head.fields.add("Content-Type", content_type);
  head.fields.add("Cache-Control", "no-store");
  head.fields.add("X-Content-Type-Options", "nosniff");
  co_await response.send(std::move(head), body);
}

asio::awaitable<void> send_json(net::Response& response, json::object body) {
  std::string text = json_text(body);
  co_await send_text(response, "application/json", std::move(text));
}

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

}  // namespace brigade::node
