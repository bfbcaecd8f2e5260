// What peers send in fields and lists: without the secret nobody is let in; what is understood means the same when it
// is said again. The input: method, target, "Name: value" lines, an empty line, a body.
#include "fuzz_input.h"
#include "peer_hello.h"
#include "record_fields.h"
#include "sibling_lists.h"

#include <string>

#include "brigade/base/check.h"
#include "brigade/base/limits.h"

namespace {

using namespace brigade;
using namespace brigade::net;

PeerAuth auth_of(std::uint64_t self) {
  PeerAuth auth;
  auth.cluster = ClusterId{0xc1};
  auth.self = NodeId{self};
  auth.secret.bytes.fill(std::byte{7});
  return auth;
}

constexpr std::string_view kNonce = "000102030405060708090a0b0c0d0e0f";

void check_hello(const RequestHead& head) {
  static const PeerAuth server = auth_of(2);
  const auto hello = read_hello(server, head);
  if (hello) {
    PeerAuth client = server;
    client.self = hello->client;
    client.speaks = hello->speaks;
    const auto session = read_hello_answer(client, hello->nonce, hello_answer(server, *hello, kNonce));
    BRIGADE_CHECK(session && session->client() == hello->client, "a hello that is not understood");
  }
  ResponseHead answer(200, head.fields);
  BRIGADE_CHECK(!read_hello_answer(server, kNonce, answer), "a proof without the secret");
}

void check_signature(RequestHead head, const BodyFraming& framing) {
  static const PeerAuth auth = auth_of(2);
  PeerSession session(auth, NodeId{1}, NodeId{2}, kNonce, kNonce);
  BRIGADE_CHECK(!session.verify(head, framing), "a signature without the secret");
  PeerSession client(auth, NodeId{1}, NodeId{2}, kNonce, kNonce);
  client.sign(head, framing);
  PeerSession other(auth, NodeId{3}, NodeId{2}, kNonce, kNonce);
  BRIGADE_CHECK(!other.verify(head, framing), "a signature that works on another connection");
  RequestHead changed = head;
  changed.target += "x";
  BRIGADE_CHECK(!session.verify(changed, framing), "a signature for another target");
  changed = head;
  changed.fields.add("Brigade-Key", "x");
  BRIGADE_CHECK(!session.verify(changed, framing), "a signature for other fields");
  BRIGADE_CHECK(!session.verify(head, BodyFraming::of_length(framing.length + 1)), "a signature for another length");
  BRIGADE_CHECK(session.verify(head, framing).has_value(), "a right signature is refused");
  BRIGADE_CHECK(!session.verify(head, framing), "a request that works twice");
}

void check_record(const Fields& fields, std::string_view target) {
  const auto id = node::parse_object_id(target);
  static_cast<void>(node::take_map_seq(fields));
  const auto meta = node::take_record_fields(fields, id.value_or(ObjectId{1, 2}));
  if (!meta) return;
  BRIGADE_CHECK(meta->key.size() <= limits::kKeyBytesMax && meta->level <= 4 && meta->revision, "a strange record");
  Fields again;
  node::put_record_fields(again, *meta);
  const auto second = node::take_record_fields(again, meta->id);
  BRIGADE_CHECK(second && *second == *meta, "another record");
}

void check_lists(std::string_view body) {
  if (const auto parts = node::parse_parts(body)) {
    std::string digests;
    std::string again;
    for (const node::SharedPart& part : *parts) {
      again += node::part_line(part);
      node::append_digest(digests, part, Digest{1, 2, part.home.value});
    }
    const auto second = node::parse_parts(again);
    BRIGADE_CHECK(second && *second == *parts, "other parts");
    const auto read = node::parse_digests(digests, *parts);
    BRIGADE_CHECK(read && read->size() == parts->size(), "no digest for each part");
    static_cast<void>(node::parse_digests(body, *parts));
  }
  if (const auto entries = node::parse_entries(body)) {
    std::string again;
    for (const store::IndexEntry& entry : *entries) node::append_entry(again, entry);
    const auto second = node::parse_entries(again);
    BRIGADE_CHECK(second && *second == *entries, "other entries");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = fuzz::text(data, size);
  RequestHead head;
  head.method = fuzz::take_until(rest, '\n');
  head.target = fuzz::take_until(rest, '\n');
  head.fields = fuzz::take_fields(rest);
  check_hello(head);
  check_record(head.fields, head.target);
  check_lists(rest);
  check_signature(std::move(head), BodyFraming::of_length(rest.size()));
  return 0;
}
