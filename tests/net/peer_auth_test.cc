#include "brigade/net/peer_auth.h"

#include "coroutine.h"
#include "fixture.h"
#include "head_format.h"
#include "head_parser.h"
#include "peer_hello.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "brigade/net/http_client.h"

namespace brigade::net::testing {
namespace {

PeerAuth auth_of(std::uint64_t self, std::uint8_t secret = 7, std::uint64_t cluster = 99) {
  PeerAuth auth;
  auth.secret.bytes.fill(std::byte{secret});
  auth.cluster = ClusterId{cluster};
  auth.self = NodeId{self};
  return auth;
}

RequestHead request() {
  RequestHead head("PUT", "/peer/staged/a%20b?x=1");
  head.fields.add("Host", "n2:8081");
  head.fields.add("Brigade-Revision", "7.1");
  head.fields.add("Content-Type", "image/png");
  return head;
}

struct Sessions {
  std::string client_nonce = make_nonce();
  std::string server_nonce = make_nonce();
  PeerSession client{auth_of(1), NodeId{1}, NodeId{2}, client_nonce, server_nonce};
  PeerSession server{auth_of(2), NodeId{1}, NodeId{2}, client_nonce, server_nonce};
};

TEST_CASE("what one side signs the other one takes, request after request") {
  Sessions s;
  for (int i = 0; i < 3; ++i) {
    RequestHead head = request();
    s.client.sign(head, BodyFraming::of_length(5));
    CHECK(s.server.verify(head, BodyFraming::of_length(5)).has_value());
  }
  CHECK(s.server.client() == NodeId{1});
}

TEST_CASE("a signature covers number, method, target, framing and fields") {
  Sessions s;
  RequestHead signed_head = request();
  const BodyFraming framing = BodyFraming::of_length(5);
  s.client.sign(signed_head, framing);
  const auto refused = [&](const RequestHead& head, const BodyFraming& f) {
    const auto verified = s.server.verify(head, f);
    return !verified && verified.error().code() == Errc::kUnauthorized;
  };
  RequestHead changed = signed_head;
  changed.method = "GET";
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.target += "2";
  CHECK(refused(changed, framing));
  CHECK(refused(signed_head, BodyFraming::of_length(6)));
  CHECK(refused(signed_head, BodyFraming::chunked()));
  CHECK(refused(signed_head, BodyFraming::none()));
  changed = signed_head;
  changed.fields.set("Brigade-Revision", "7.2");
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.fields.add("Brigade-Revision", "7.1");
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.fields.remove("Content-Type");
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.fields.add("Range", "bytes=0-1");
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.fields.add("Brigade-Signature", *signed_head.fields.find("Brigade-Signature"));
  CHECK(refused(changed, framing));
  changed = signed_head;
  changed.fields.remove("Brigade-Signature");
  CHECK(refused(changed, framing));
  changed = signed_head;
  std::string signature(*signed_head.fields.find("Brigade-Signature"));
  signature.back() = signature.back() == '0' ? '1' : '0';
  changed.fields.set("Brigade-Signature", signature);
  CHECK(refused(changed, framing));
  // What a carrier adds does not matter, and none of the refusals has cost the right one its turn.
  signed_head.fields.set("Host", "other");
  signed_head.fields.add("Connection", "keep-alive");
  CHECK(s.server.verify(signed_head, framing).has_value());
}

TEST_CASE("a request can't be repeated, skipped or moved to another connection") {
  Sessions s;
  RequestHead first = request();
  RequestHead second = request();
  s.client.sign(first, {});
  s.client.sign(second, {});
  CHECK(!s.server.verify(second, {}));
  CHECK(s.server.verify(first, {}).has_value());
  CHECK(!s.server.verify(first, {}));
  CHECK(s.server.verify(second, {}).has_value());
  Sessions other;
  CHECK(!other.server.verify(first, {}));
}

TEST_CASE("a session depends on secret, cluster, both nodes and both nonces") {
  Sessions s;
  RequestHead head = request();
  s.client.sign(head, {});
  const auto takes = [&](const PeerAuth& auth, std::uint64_t client, std::uint64_t server, const std::string& cn,
                         const std::string& sn) {
    PeerSession session(auth, NodeId{client}, NodeId{server}, cn, sn);
    return session.verify(head, {}).has_value();
  };
  CHECK(takes(auth_of(2), 1, 2, s.client_nonce, s.server_nonce));
  CHECK(!takes(auth_of(2, 8), 1, 2, s.client_nonce, s.server_nonce));
  CHECK(!takes(auth_of(2, 7, 98), 1, 2, s.client_nonce, s.server_nonce));
  CHECK(!takes(auth_of(2), 3, 2, s.client_nonce, s.server_nonce));
  CHECK(!takes(auth_of(2), 1, 3, s.client_nonce, s.server_nonce));
  CHECK(!takes(auth_of(2), 1, 2, make_nonce(), s.server_nonce));
  CHECK(!takes(auth_of(2), 1, 2, s.client_nonce, make_nonce()));
}

TEST_CASE("a hello proves the secret to the client") {
  const PeerAuth client = auth_of(1);
  const PeerAuth server = auth_of(2);
  const std::string nonce = make_nonce();
  const auto hello = read_hello(server, hello_request(client, nonce));
  REQUIRE(hello.has_value());
  CHECK(hello->client == NodeId{1});
  const ResponseHead answer = hello_answer(server, *hello, make_nonce());
  CHECK(read_hello_answer(client, nonce, answer).has_value());

  CHECK(!read_hello_answer(client, make_nonce(), answer));
  CHECK(!read_hello_answer(auth_of(1, 8), nonce, answer));
  CHECK(!read_hello_answer(auth_of(3), nonce, answer));
  for (const char* field : {"Brigade-Node", "Brigade-Nonce", "Brigade-Proof"}) {
    ResponseHead changed = answer;
    std::string value(*answer.fields.find(field));
    value[0] = value[0] == '0' ? '1' : '0';
    changed.fields.set(field, value);
    CHECK(!read_hello_answer(client, nonce, changed));
    changed.fields.remove(field);
    CHECK(!read_hello_answer(client, nonce, changed));
  }
  CHECK(!read_hello(auth_of(2, 7, 98), hello_request(client, nonce)));
  CHECK(!read_hello(server, hello_request(client, "short")));
}

TEST_CASE("a connection is spoken in the lower version of both sides, and not if one of them does not read that") {
  const auto meet = [](std::uint32_t client_speaks, std::uint32_t server_speaks) -> Result<PeerSession> {
    PeerAuth client = auth_of(1);
    PeerAuth server = auth_of(2);
    client.speaks = client_speaks;
    server.speaks = server_speaks;
    const std::string nonce = make_nonce();
    const auto hello = read_hello(server, hello_request(client, nonce));
    if (!hello) return hello.error();
    return read_hello_answer(client, nonce, hello_answer(server, *hello, make_nonce()));
  };
  CHECK(meet(1, 1));
  CHECK(meet(1, 2));
  CHECK(meet(2, 1));
  CHECK(meet(3, 2));
  CHECK(meet(1, 3).error().code() == Errc::kConflict);
  CHECK(
      meet(1, 3).error().detail() ==
      "the other node speaks protocol version 1, and this program reads versions 2 and 3: run the releases in between "
      "first, one after the other");
  CHECK(meet(3, 1).error().code() == Errc::kConflict);
  // Nobody in between can make two nodes speak an older one.
  const PeerAuth client{auth_of(1).secret, ClusterId{99}, NodeId{1}, 2};
  const PeerAuth server{auth_of(2).secret, ClusterId{99}, NodeId{2}, 2};
  const std::string nonce = make_nonce();
  RequestHead request = hello_request(client, nonce);
  request.fields.set("Brigade-Speaks", "1");
  ResponseHead answer = hello_answer(server, read_hello(server, request).value(), make_nonce());
  CHECK(!read_hello_answer(client, nonce, answer));
  answer.fields.set("Brigade-Speaks", "1");
  CHECK(!read_hello_answer(client, nonce, answer));
  for (const char* nonsense : {"", "0", "-1", "x", "1 ", "99999999999"}) {
    request.fields.set("Brigade-Speaks", nonsense);
    CHECK(read_hello(server, request).error().code() == Errc::kInvalid);
  }
  request.fields.remove("Brigade-Speaks");
  CHECK(read_hello(server, request).error().code() == Errc::kInvalid);
}

TEST_CASE("nonces differ") {
  CHECK(make_nonce() != make_nonce());
}

asio::awaitable<void> ask(HttpClient& client, std::string address, std::string target, Errc& error, int& status,
                          std::string& body) {
  RequestHead head("GET", std::move(target));
  const auto answer = co_await client.fetch(std::move(address), std::move(head), "", 1000);
  error = answer ? Errc::kOk : answer.error().code();
  status = answer ? answer->first.status : 0;
  body = answer ? answer->second : "";
}

struct Outcome {
  Errc error = Errc::kOk;
  int status = 0;
  std::string body;
};

Outcome ask(const PeerAuth* auth, const std::string& address, int times = 1) {
  asio::io_context io;
  ClientOptions options;
  options.peer_auth = auth;
  const auto client = HttpClient::make(io.get_executor(), options);
  Outcome out;
  for (int i = 0; i < times; ++i) run(io, ask(*client, address, "/peer", out.error, out.status, out.body));
  return out;
}

TEST_CASE("an authenticated listener knows who asks, and turns others away") {
  const PeerAuth own = auth_of(2);
  TestServerOptions options;
  options.peer_auth = &own;
  TestServer server(options);
  const PeerAuth friendly = auth_of(1);
  CHECK(ask(&friendly, server.address(), 3).body == to_string(NodeId{1}));
  const PeerAuth wrong_secret = auth_of(1, 8);
  CHECK(ask(&wrong_secret, server.address()).error == Errc::kUnauthorized);
  const PeerAuth foreign = auth_of(1, 7, 98);
  CHECK(ask(&foreign, server.address()).error == Errc::kUnauthorized);
  CHECK(ask(nullptr, server.address()).status == 401);
}

TEST_CASE("a listener without authentication believes no field about who asks") {
  TestServer server;
  RawClient client(server.address());
  REQUIRE(client.send(
      "GET /peer HTTP/1.1\r\nHost: n\r\nBrigade-Node: 0000000000000001\r\nBrigade-Signature: 1 00\r\n\r\n"));
  CHECK(client.answer().body == "nobody");
}

/// A raw connection past its hello.
struct RawPeer {
  RawClient raw;
  std::optional<PeerSession> session;
  explicit RawPeer(const std::string& address, const PeerAuth& auth) : raw(address) {
    const std::string nonce = make_nonce();
    REQUIRE(raw.send(bytes(hello_request(auth, nonce))));
    const auto answer = raw.answer();
    REQUIRE(answer.status == 200);
    session.emplace(read_hello_answer(auth, nonce, parse_response_head(answer.head)->head).value());
  }
  static std::string bytes(const RequestHead& head) {
    std::string out = head.method + " " + head.target + " HTTP/1.1\r\nHost: n\r\n";
    append_fields(out, head.fields);
    return out + "\r\n";
  }
  std::string next() {
    RequestHead head("GET", "/peer");
    head.fields.add("Brigade-Seq", "5");
    session->sign(head, {});
    return bytes(head);
  }
};

TEST_CASE("replayed, changed and foreign requests end the connection with 401") {
  const PeerAuth own = auth_of(2);
  TestServerOptions options;
  options.peer_auth = &own;
  TestServer server(options);
  const PeerAuth auth = auth_of(1);
  RawPeer peer(server.address(), auth);
  const std::string first = peer.next();
  REQUIRE(peer.raw.send(first));
  CHECK(peer.raw.answer().body == to_string(NodeId{1}));
  const auto refused = [](RawClient& raw, const std::string& text) {
    REQUIRE(raw.send(text));
    CHECK(raw.answer().status == 401);
    CHECK(raw.rest() == "closed");
  };
  SECTION("replayed") {
    refused(peer.raw, first);
  }
  SECTION("replayed on another connection") {
    RawPeer other(server.address(), auth);
    refused(other.raw, first);
  }
  SECTION("a field is changed") {
    std::string text = peer.next();
    text.replace(text.find("Brigade-Seq: 5"), 14, "Brigade-Seq: 6");
    refused(peer.raw, text);
  }
  SECTION("a body is added") {
    std::string text = peer.next();
    text.insert(text.find("\r\n\r\n"), "\r\nContent-Length: 0");
    refused(peer.raw, text);
  }
  SECTION("not signed at all") {
    refused(peer.raw, "GET /peer HTTP/1.1\r\nHost: n\r\n\r\n");
  }
  SECTION("a second hello") {
    refused(peer.raw, RawPeer::bytes(hello_request(auth, make_nonce())));
  }
  SECTION("before any hello") {
    RawClient raw(server.address());
    refused(raw, first);
  }
}

}  // namespace
}  // namespace brigade::net::testing
