#include "api_client.h"

#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>

#include "brigade/net/http_client.h"

namespace brigade::cli {
namespace {

namespace asio = boost::asio;
using Outcome = Result<std::pair<net::ResponseHead, std::string>>;

/// Everything is a parameter by value or outlives io.run().
asio::awaitable<void> run_call(net::HttpClient& client, std::string address, net::RequestHead head, std::string body,
                               std::optional<Outcome>& outcome) {
  auto result = co_await client.fetch(std::move(address), std::move(head), std::move(body), ApiClient::kAnswerBytesMax);
  outcome.emplace(std::move(result));
  client.clear();
}

bool is_json(const net::Fields& fields) {
  return fields.find("Content-Type").value_or("").find("json") != std::string_view::npos;
}

/// The code whose problem type ends `type`; where none does, the nearest by status.
Errc code_of(std::string_view type, int status) {
  const auto name = type.substr(type.find_last_of("/:#") + 1);
  for (int i = 1; i <= static_cast<int>(Errc::kNoSpace); ++i) {
    const auto code = static_cast<Errc>(i);
    if (!name.empty() && problem_type(code) == name) return code;
  }
  for (int i = 1; i <= static_cast<int>(Errc::kNoSpace); ++i)
    if (http_status(static_cast<Errc>(i)) == status) return static_cast<Errc>(i);
  return Errc::kBadGateway;
}

std::string text_in(const boost::json::object& object, std::string_view name) {
  const auto* const value = object.if_contains(name);
  const auto* const text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(*text);
}

}  // namespace

Result<std::string> node_address(std::string_view url) {
  const std::string whole(url);
  if (url.starts_with("https://"))
    return Error{Errc::kInvalid, "'" + whole + "': nodes speak plain HTTP; use http://HOST:PORT"};
  if (url.starts_with("http://")) url.remove_prefix(7);
  if (url.ends_with('/')) url.remove_suffix(1);
  const Error bad{Errc::kInvalid,
                  "'" + whole + "' is no node's URL: http://HOST:PORT is expected, a node's client address"};
  if (url.empty() || url.find_first_of("/?#@ ") != std::string_view::npos) return bad;
  std::string address(url);
  const auto colon = address.rfind(':');
  const bool has_port = colon != std::string::npos && address.find(']', colon) == std::string::npos;
  if (!has_port) return address + ":80";
  const auto port = address.substr(colon + 1);
  if (colon == 0 || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(port) < 1 || std::stoi(port) > 65535)
    return bad;
  return address;
}

Result<boost::json::value> parse_json(std::string_view body) {
  boost::json::error_code error;
  auto value = boost::json::parse({body.data(), body.size()}, error);
  if (error)
    return Error{Errc::kBadGateway, "the node's answer is no JSON (" + error.message() + "): is it a Brigade node?"};
  return value;
}

Error problem_of(const Answer& answer) {
  std::string detail;
  std::string type;
  if (is_json(answer.fields)) {
    const auto value = parse_json(answer.body);
    if (const auto* const object = value ? value->if_object() : nullptr) {
      detail = text_in(*object, "detail");
      if (detail.empty()) detail = text_in(*object, "title");
      type = text_in(*object, "type");
    }
  }
  if (detail.empty()) detail = "the node answered with HTTP status " + std::to_string(answer.status);
  return {code_of(type, answer.status), detail};
}

Result<Answer> ApiClient::call(const net::RequestHead& request, const std::string& body) const {
  asio::io_context io(1);
  net::ClientOptions options;
  options.io_timeout = timeout_;
  const auto client = net::HttpClient::make(io.get_executor(), options);
  std::optional<Outcome> outcome;
  asio::co_spawn(io, run_call(*client, address_, request, body, outcome), asio::detached);
  io.run();
  if (!outcome) return Error{Errc::kInternal, "the HTTP client gave no answer"};
  if (!*outcome) {
    const auto& error = outcome->error();
    if (error.code() == Errc::kUnavailable || error.code() == Errc::kClosed)
      return Error{Errc::kUnavailable,
                   "no node answers at http://" + address_ + " (" + error.detail() +
                       "): start it with `brigade serve --data DIR`, or name another with --node URL "
                       "or BRIGADE_NODE"};
    return error;
  }
  auto& [head, answer_body] = outcome->value();
  return Answer{head.status, std::move(head.fields), std::move(answer_body)};
}

Result<boost::json::value> ApiClient::get_json(const std::string& target) const {
  net::RequestHead request;
  request.method = "GET";
  request.target = target;
  request.fields.add("Accept", "application/json");
  const auto answer = call(request);
  if (!answer) return answer.error();
  if (answer->status < 200 || answer->status >= 300) return problem_of(*answer);
  return parse_json(answer->body);
}

}  // namespace brigade::cli
