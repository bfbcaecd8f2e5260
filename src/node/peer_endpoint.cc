#include "peer_endpoint.h"

#include "object_response.h"
#include "operator_endpoint.h"
#include "operator_remove.h"
#include "operator_restore.h"
#include "operator_verify.h"
#include "primary_writer.h"
#include "read_path.h"
#include "record_fields.h"
#include "redundancy_writer.h"

#include <string>
#include <utility>

#include "brigade/net/http_semantics.h"
#include "brigade/wire/codec.h"

namespace brigade::node {

asio::awaitable<void> PeerEndpoint::handle(net::Request& request, net::Response& response) {
  const auto [path, query] = net::split_target(request.head().target);
  constexpr std::string_view kPrefix = "/peer/";
  std::string_view rest = path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : std::string_view();
  const auto slash = rest.find('/');
  const std::string_view action = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  const std::string& method = request.head().method;

  if (is_peer_read(request.head())) {
    co_await read_for_peer(context_, request, response);
  } else if (action == "write") {
    co_await handle_write(rest, request, response);
  } else if (action == "commit" && method == "POST") {
    std::string name(rest);
    co_await replica_.commit(std::move(name), request, response);
  } else if (action == "abort" && method == "POST") {
    std::string name(rest);
    co_await replica_.abort(std::move(name), response);
  } else if (action == "digests" && method == "POST") {
    co_await replica_.digests(request, response);
  } else if (action == "list" && method == "POST") {
    co_await replica_.list(request, response);
  } else if (action == "older" && method == "POST") {
    co_await replica_.older(request, response);
  } else if (action == "index" && method == "GET") {
    co_await handle_index(response);
  } else if (action == "propose" && method == "POST") {
    co_await handle_peer_propose(context_, request, response);
  } else if (action == "keys" && method == "GET") {
    co_await handle_peer_keys(context_, request, response);
  } else if (action == "alone" && method == "GET") {
    std::string node(rest);
    co_await handle_peer_alone(context_, std::move(node), response);
  } else if (action == "verify" && method == "GET") {
    co_await handle_peer_verify(context_, request, response);
  } else {
    co_await handle_object(action, rest, request, response);
  }
}

asio::awaitable<void> PeerEndpoint::handle_object(std::string_view action, std::string_view rest, net::Request& request,
                                                  net::Response& response) {
  const auto id = parse_object_id(rest.substr(0, 32));
  const std::string& method = request.head().method;
  if (!id) {
    Error unknown{Errc::kNotFound, "no such peer request"};
    co_await send_problem(response, std::move(unknown));
  } else if (action == "stage" && method == "PUT" && rest.size() > 33 && rest[32] == '/') {
    std::string name(rest.substr(33));
    co_await replica_.stage(*id, std::move(name), request, response);
  } else if (action == "object" && method == "PUT") {
    co_await replica_.put_record(*id, request, response);
  } else if (action == "entry" && method == "GET") {
    co_await replica_.entry(*id, response);
  } else if (action == "retained" && method == "GET") {
    co_await handle_peer_retained(context_, *id, response);
  } else if (action == "fetch" && method == "GET") {
    co_await replica_.fetch(*id, request, response);
  } else {
    Error unknown{Errc::kNotFound, "no such peer request"};
    co_await send_problem(response, std::move(unknown));
  }
}

asio::awaitable<void> PeerEndpoint::handle_write(std::string_view encoded, net::Request& request,
                                                 net::Response& response) {
  auto key = net::decode_key(encoded);
  auto seq = take_map_seq(request.head().fields);
  if (!key || !seq) {
    Error refusal = !key ? key.error() : seq.error();
    co_await send_problem(response, std::move(refusal));
    co_return;
  }
  const auto place = context_.enter(Work::kHandedOn, request, upload_bytes(request.framing(), context_.config));
  if (!place) {
    co_await send_overloaded(response);
    co_return;
  }
  // The gateway may know a map that makes this node primary before this node does.
  co_await context_.wait_for_seq(*seq, std::chrono::steady_clock::now() + std::chrono::milliseconds{500});
  const bool is_put = request.head().method == "PUT";
  std::string wanted = std::move(*key);
  bool answered = false;
  if (changes_metadata(request.head())) {
    answered = co_await change_redundancy_as_primary(context_, std::move(wanted), request, response);
  } else if (is_put) {
    answered = co_await put_as_primary(context_, std::move(wanted), request, response);
  } else {
    answered = co_await delete_as_primary(context_, std::move(wanted), request, response);
  }
  if (answered) co_return;
  Error elsewhere{Errc::kNotPrimary, "another node is primary for this object"};
  co_await send_problem(response, std::move(elsewhere));
}

asio::awaitable<void> PeerEndpoint::handle_index(net::Response& response) {
  const auto view = context_.view();
  if (!context_.control.may_serve()) {
    co_await send_problem(response, no_quorum_error(*view));
    co_return;
  }
  auto visit = [view] { return wire::encode(view->map.snapshot()); };
  const wire::Bytes bytes = co_await context_.disk.run(std::move(visit));
  net::ResponseHead head;
  head.fields.add("Content-Type", "application/octet-stream");
  const std::string_view body(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  co_await response.send(std::move(head), body);
}

}  // namespace brigade::node
