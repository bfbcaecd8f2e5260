#include "client_endpoint.h"

#include "client_read.h"
#include "object_response.h"
#include "write_path.h"

#include <string>
#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::node {

asio::awaitable<void> ClientEndpoint::handle(net::Request& request, net::Response& response) {
  const net::RequestHead& head = request.head();
  if (is_client_read(head)) {
    co_await serve_client_read(context_, request, response);
    co_return;
  }
  const std::string_view path = net::split_target(head.target).first;
  auto decoded = net::decode_key(path.substr(std::string_view("/o/").size()));
  if (!decoded) {
    co_await send_problem(response, decoded.error());
    co_return;
  }
  const std::string key = std::move(*decoded);
  const auto place = context_.enter(Work::kWrite, request, upload_bytes(request.framing(), context_.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  if (head.method == "PUT" || head.method == "DELETE") {
    co_await write_object(context_, key, request, response);
  } else {
    Error error{Errc::kMethodNotAllowed, "objects take GET, HEAD, PUT and DELETE"};
    net::ResponseHead refusal = net::problem_head(error);
    refusal.fields.add("Allow", "GET, HEAD, PUT, DELETE");
    const std::string body = net::problem_json(error, "");
    co_await response.send(std::move(refusal), body);
  }
}

}  // namespace brigade::node
