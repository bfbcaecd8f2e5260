#include "client_endpoint.h"

#include "object_response.h"
#include "read_path.h"
#include "write_path.h"

#include <string>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

asio::awaitable<void> ClientEndpoint::handle(net::Request& request, net::Response& response) {
  const net::RequestHead& head = request.head();
  const std::string_view path = net::split_target(head.target).first;
  auto decoded = net::decode_key(path.substr(std::string_view("/o/").size()));
  if (!decoded) {
    co_await send_problem(response, decoded.error());
    co_return;
  }
  const std::string key = std::move(*decoded);
  if (head.method == "GET" || head.method == "HEAD") {
    ++(head.method == "GET" ? context_.stats.gets : context_.stats.heads);
    const bool redirected = co_await redirect(key, request, response);
    if (!redirected) co_await read_object(context_, key, request, response);
  } else if (head.method == "PUT" || head.method == "DELETE") {
    co_await write_object(context_, key, request, response);
  } else {
    Error error{Errc::kMethodNotAllowed, "objects take GET, HEAD, PUT and DELETE"};
    net::ResponseHead refusal = net::problem_head(error);
    refusal.fields.add("Allow", "GET, HEAD, PUT, DELETE");
    const std::string body = net::problem_json(error, "");
    co_await response.send(std::move(refusal), body);
  }
}

asio::awaitable<bool> ClientEndpoint::redirect(const std::string& key, const net::Request& request,
                                               net::Response& response) {
  const auto view = context_.view();
  const bool wanted = request.head().fields.find("Brigade-Redirect") == "yes" || view->map.settings().redirect;
  if (!wanted || !context_.control.may_serve()) co_return false;
  const ObjectId id = object_id(context_.naming, key);
  const auto candidates = replication::read_candidates(view->map, id);
  if (candidates.empty() || candidates.front().node == context_.self) co_return false;
  if (context_.holds_copy(view->map, id)) co_return false;
  net::ResponseHead head;
  head.status = 307;
  head.fields.add("Location",
                  "http://" + view->map.node(candidates.front().node)->node.client + "/o/" + net::encode_key(key));
  head.fields.add("Cache-Control", "no-store");
  co_await response.send(std::move(head), "");
  co_return true;
}

}  // namespace brigade::node
