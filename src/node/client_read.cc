#include "client_read.h"

#include "object_response.h"
#include "read_path.h"

#include <string>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/replication/placement_view.h"

namespace brigade::node {

namespace {

constexpr std::string_view kObjects = "/o/";

/// True if the read was answered with a redirect to a node that holds the object.
asio::awaitable<bool> redirect(LoopContext& context, const std::string& key, const net::Request& request,
                               net::Response& response) {
  const auto view = context.view();
  const auto asked = request.head().fields.find("Brigade-Redirect");
  const bool wanted = asked ? asked == "yes" : view->map.settings().redirect;
  if (!wanted || !context.control.may_serve()) co_return false;
  const ObjectId id = object_id(context.naming, key);
  const auto nearest = replication::nearest_candidate(view->map, id);
  if (!nearest || nearest->node == context.self || context.held_copy(view->map, id)) co_return false;
  net::ResponseHead head;
  head.status = 307;
  head.fields.add("Location", "http://" + view->map.node(nearest->node)->node.client + "/o/" + net::encode_key(key));
  head.fields.add("Cache-Control", "no-store");
  co_await response.send(std::move(head), "");
  co_return true;
}

}  // namespace

bool is_client_read(const net::RequestHead& head) {
  return (head.method == "GET" || head.method == "HEAD") && std::string_view(head.target).starts_with(kObjects);
}

asio::awaitable<void> serve_client_read(LoopContext& context, net::Request& request, net::Response& response) {
  const net::RequestHead& head = request.head();
  auto decoded = net::decode_key(net::split_target(head.target).first.substr(kObjects.size()));
  if (!decoded) {
    co_await send_problem(response, decoded.error());
    co_return;
  }
  const std::string key = std::move(*decoded);
  const ObjectId id = object_id(context.naming, key);
  const auto place = context.enter(Work::kRead, request, read_bytes(context.store.find(id), context.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  ++(head.method == "GET" ? context.stats.gets : context.stats.heads);
  const bool redirected = co_await redirect(context, key, request, response);
  if (!redirected) co_await read_object(context, key, request, response);
}

}  // namespace brigade::node
