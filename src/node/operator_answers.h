// Small answers to operators.
#pragma once

#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>

#include "brigade/net/http_server.h"

namespace brigade::node {

namespace asio = boost::asio;

asio::awaitable<void> send_json(net::Response& response, boost::json::object body);
/// A body in memory that no cache may keep.
asio::awaitable<void> send_text(net::Response& response, std::string content_type, std::string body);

}  // namespace brigade::node
