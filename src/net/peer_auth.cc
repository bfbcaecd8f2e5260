#include "brigade/net/peer_auth.h"

#include "peer_hello.h"
#include "text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sys/random.h>

#include "brigade/base/check.h"

namespace brigade::net {
namespace {

constexpr std::string_view kCluster = "Brigade-Cluster";
constexpr std::string_view kNode = "Brigade-Node";
constexpr std::string_view kNonce = "Brigade-Nonce";
constexpr std::string_view kProof = "Brigade-Proof";
constexpr std::string_view kSpeaks = "Brigade-Speaks";
constexpr std::string_view kSignature = "Brigade-Signature";
constexpr std::size_t kNonceDigits = 32;

/// Appends length (32 bits, big-endian) and bytes, so that no two lists of items give the same text.
void append_item(std::string& out, std::string_view item) {
  const auto size = static_cast<std::uint32_t>(item.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) out += static_cast<char>((size >> shift) & 255U);
  out.append(item);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

wire::Mac hello_mac(const PeerAuth& auth, std::string_view purpose, NodeId client, NodeId server,
                    std::string_view client_nonce, std::string_view server_nonce, Speaks speaks) {
  std::string text;
  append_item(text, purpose);
  append_item(text, to_string(auth.cluster));
  append_item(text, to_string(client));
  append_item(text, to_string(server));
  append_item(text, client_nonce);
  append_item(text, server_nonce);
  append_item(text, std::to_string(speaks.client));
  append_item(text, std::to_string(speaks.server));
  return wire::Authenticator(auth.secret, "peer").mac(text);
}

wire::Authenticator session_key(const PeerAuth& auth, NodeId client, NodeId server, std::string_view client_nonce,
                                std::string_view server_nonce, Speaks speaks) {
  wire::ClusterSecret key;
  key.bytes = hello_mac(auth, "session", client, server, client_nonce, server_nonce, speaks);
  return wire::Authenticator(key, "request");
}

std::optional<std::uint64_t> parse_id(std::optional<std::string_view> text) {
  std::array<std::byte, 8> bytes{};
  if (!text || !from_hex(*text, bytes)) return std::nullopt;
  std::uint64_t value = 0;
  for (const std::byte b : bytes) value = (value << 8) | std::to_integer<std::uint64_t>(b);
  return value;
}

/// What the other side speaks; a number that makes no sense is none.
std::optional<std::uint32_t> parse_version(std::optional<std::string_view> text) {
  std::uint32_t version = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), version);
  if (error != std::errc{} || end != text->data() + text->size() || version < wire::kFirstVersion) return std::nullopt;
  return version;
}

/// Errors: kConflict: one side does not read the lower version of both, which the connection is spoken in.
Status check_common(const PeerAuth& auth, std::uint32_t theirs) {
  const std::uint32_t common = std::min(auth.speaks, theirs);
  if (!wire::reads(auth.speaks, common))
    return Error(Errc::kConflict, "the other node speaks protocol " + wire::unreadable(auth.speaks, theirs));
  if (!wire::reads(theirs, common))
    return Error(Errc::kConflict, "this node speaks protocol " + wire::unreadable(theirs, auth.speaks));
  return {};
}

bool is_nonce(std::optional<std::string_view> text) {
  std::array<std::byte, kNonceDigits / 2> bytes{};
  return text && from_hex(*text, bytes);
}

/// Compares in constant time.
bool same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

/// Told by the framing, or changed by whoever carries the message.
bool is_unsigned(std::string_view name) {
  for (const std::string_view other : {kSignature, std::string_view("Host"), std::string_view("Connection"),
                                       std::string_view("Content-Length"), std::string_view("Transfer-Encoding")}) {
    if (equals_without_case(name, other)) return true;
  }
  return false;
}

}  // namespace

PeerSession::PeerSession(const PeerAuth& auth, NodeId client, NodeId server, std::string_view client_nonce,
                         std::string_view server_nonce, Speaks speaks)
    : key_(session_key(auth, client, server, client_nonce, server_nonce, speaks)), client_(client) {}

std::string PeerSession::signature(const RequestHead& head, const BodyFraming& framing, std::uint64_t number) const {
  std::string text;
  text.reserve(256);
  append_item(text, std::to_string(number));
  append_item(text, head.method);
  append_item(text, head.target);
  switch (framing.kind) {
    case BodyFraming::Kind::kNone:
      append_item(text, "none");
      break;
    case BodyFraming::Kind::kLength:
      append_item(text, std::to_string(framing.length));
      break;
    case BodyFraming::Kind::kChunked:
      append_item(text, "chunked");
      break;
  }
  for (const auto& [name, value] : head.fields.items()) {
    if (is_unsigned(name)) continue;
    append_item(text, lower(name));
    append_item(text, trimmed(value));  // spaces around a value don't travel
  }
  return std::to_string(number) + " " + to_hex(key_.mac(text));
}

void PeerSession::sign(RequestHead& head, const BodyFraming& framing) {
  head.fields.set(kSignature, signature(head, framing, ++number_));
}

Status PeerSession::verify(const RequestHead& head, const BodyFraming& framing) {
  const auto given = head.fields.find(kSignature);
  if (!given || head.fields.count(kSignature) != 1)
    return Error(Errc::kUnauthorized, "the request is not signed; this listener is for nodes of the cluster only");
  if (!same(*given, signature(head, framing, number_ + 1)))
    return Error(Errc::kUnauthorized,
                 "the request's signature does not match its content and place in this connection");
  ++number_;
  return {};
}

std::string make_nonce() {
  std::array<std::byte, kNonceDigits / 2> bytes{};
  for (std::size_t at = 0; at < bytes.size();) {
    const auto count = ::getrandom(bytes.data() + at, bytes.size() - at, 0);
    BRIGADE_CHECK(count > 0 || errno == EINTR, "getrandom: errno " << errno);
    if (count > 0) at += static_cast<std::size_t>(count);
  }
  return to_hex(bytes);
}

RequestHead hello_request(const PeerAuth& auth, std::string_view nonce) {
  RequestHead head("GET", std::string(kHelloTarget));
  head.fields.add(kCluster, to_string(auth.cluster));
  head.fields.add(kNode, to_string(auth.self));
  head.fields.add(kNonce, nonce);
  head.fields.add(kSpeaks, std::to_string(auth.speaks));
  return head;
}

Result<Hello> read_hello(const PeerAuth& auth, const RequestHead& head) {
  if (head.method != "GET") return Error(Errc::kInvalid, "a hello is a GET");
  const auto cluster = parse_id(head.fields.find(kCluster));
  const auto client = parse_id(head.fields.find(kNode));
  const auto nonce = head.fields.find(kNonce);
  if (!cluster || !client || !is_nonce(nonce))
    return Error(Errc::kInvalid, "the hello lacks a cluster, a node or a nonce");
  if (ClusterId{*cluster} != auth.cluster) return Error(Errc::kUnauthorized, "this node belongs to another cluster");
  const auto speaks = parse_version(head.fields.find(kSpeaks));
  if (!speaks) return Error(Errc::kInvalid, "the hello lacks the protocol version of its sender");
  if (const auto common = check_common(auth, *speaks); !common) return common.error();
  Hello hello;
  hello.client = NodeId{*client};
  hello.nonce = *nonce;
  hello.speaks = *speaks;
  return hello;
}

ResponseHead hello_answer(const PeerAuth& auth, const Hello& hello, std::string_view server_nonce) {
  ResponseHead head(200);
  head.fields.add(kNode, to_string(auth.self));
  head.fields.add(kNonce, server_nonce);
  head.fields.add(kSpeaks, std::to_string(auth.speaks));
  const Speaks speaks{hello.speaks, auth.speaks};
  head.fields.add(kProof, to_hex(hello_mac(auth, "hello", hello.client, auth.self, hello.nonce, server_nonce, speaks)));
  return head;
}

Result<PeerSession> read_hello_answer(const PeerAuth& auth, std::string_view client_nonce, const ResponseHead& head) {
  if (head.status == http_status(Errc::kConflict))
    return Error(Errc::kConflict, "the other side does not read protocol version " + std::to_string(auth.speaks) +
                                      ", which this node speaks, nor the one before");
  if (head.status != 200)
    return Error(Errc::kUnauthorized, "the other side refused the hello with status " + std::to_string(head.status));
  const auto server = parse_id(head.fields.find(kNode));
  const auto nonce = head.fields.find(kNonce);
  const auto proof = head.fields.find(kProof);
  const auto speaks = parse_version(head.fields.find(kSpeaks));
  if (!server || !is_nonce(nonce) || !proof || !speaks)
    return Error(Errc::kUnauthorized, "the answer to the hello is malformed");
  if (const auto common = check_common(auth, *speaks); !common) return common.error();
  const Speaks both{auth.speaks, *speaks};
  const wire::Mac expected = hello_mac(auth, "hello", auth.self, NodeId{*server}, client_nonce, *nonce, both);
  if (!same(*proof, to_hex(expected)))
    return Error(Errc::kUnauthorized,
                 "the other side does not know this cluster's secret; check the address and DIR/secret");
  return PeerSession(auth, auth.self, NodeId{*server}, client_nonce, *nonce, both);
}

}  // namespace brigade::net
