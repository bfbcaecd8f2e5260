#include "client_endpoint.h"

#include "client_read.h"
#include "object_response.h"
#include "redundancy_writer.h"
#include "write_path.h"

#include <string>
#include <string_view>
#include <utility>

#include "brigade/net/http_semantics.h"

namespace brigade::node {

namespace {

/// What a write says behind its key is meant to change what it does: a word that is not known must not be taken for
/// none, and make of `?Metadata` an object without bytes. (A GET's is often there to get past caches, and ignored.)
Status check_query(const net::RequestHead& head) {
  const std::string_view query = net::split_target(head.target).second;
  if (query.empty() || (head.method == "PUT" && changes_metadata(head) && query.find('&') == std::string_view::npos))
    return {};
  return Error{
      Errc::kInvalid,
      "this query is not known: PUT takes `?metadata`, and DELETE none; a `?` of the key itself is written %3F"};
}

}  // namespace

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
    if (const Status known = check_query(head); !known) {
      co_await send_problem(response, known.error());
      co_return;
    }
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
