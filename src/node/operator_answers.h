// Small answers to operators.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http_server.h"

namespace brigade::node {

namespace asio = boost::asio;

asio::awaitable<void> send_json(net::Response& response, boost::json::object body);
/// A body in memory that no cache may keep.
asio::awaitable<void> send_text(net::Response& response, std::string content_type, std::string body);

/// A decimal number in a query, `fallback` where it is absent. Errors: kInvalid (malformed, above `max`).
Result<std::uint64_t> query_number(std::string_view query, std::string_view name, std::uint64_t fallback,
                                   std::uint64_t max);
/// A text in a query, empty where it is absent. Errors: kInvalid (malformed, longer than a key).
Result<std::string> query_text(std::string_view query, std::string_view name);

/// The text at `name`; nothing if it is absent or no text.
const boost::json::string* text_in(const boost::json::object& object, std::string_view name);
/// Errors: kInvalid unless `text` is one JSON object.
Result<boost::json::object> parse_object(std::string_view text);

}  // namespace brigade::node
