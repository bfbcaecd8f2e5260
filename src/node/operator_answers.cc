#include "operator_answers.h"

#include "operator_json.h"

#include <utility>

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

}  // namespace brigade::node
