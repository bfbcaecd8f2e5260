#include "operator_requests.h"
#include "peer_hello.h"
#include "record_fields.h"
#include "seeds.h"
#include "sibling_lists.h"

#include <string>

#include "brigade/net/http_semantics.h"
#include "brigade/node/admin_auth.h"
#include "brigade/node/config.h"

namespace brigade::fuzz {
namespace {

using std::string_literals::operator""s;

std::string lines_of(const net::Fields& fields) {
  std::string lines;
  for (const auto& [name, value] : fields.items()) lines += name + ": " + value + "\n";
  return lines;
}

void write_requests(const std::filesystem::path& dir) {
  write_seed(dir / "get", "GET /o/a%20b HTTP/1.1\r\nHost: n1:8080\r\nRange: bytes=0-99\r\n\r\n");
  write_seed(dir / "put", "PUT /o/k HTTP/1.1\r\nHost: n1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
  write_seed(dir / "chunked",
             "PUT /o/k HTTP/1.1\r\nHost: n1\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5;ext=1\r\nhello\r\n1F\r\nthe quick brown fox jumps over \r\n0\r\nTrailer: x\r\n\r\n");
  write_seed(dir / "old", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  write_seed(dir / "answer",
             "HTTP/1.1 206 Partial Content\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/100\r\n\r\n0123456789");
}

void write_fields(const std::filesystem::path& dir) {
  const std::string object = "\x00\x10\x00\x00\x00\x00\x00\x00\x00\x68\xe5\xcf\x8b\x01\x00\x00"s;
  const std::string etag = net::make_etag({});
  const std::string date = net::http_date(WallTime{1'700'000'000'000});
  write_seed(dir / "ranges", object + "Range: bytes=0-9, 20-, -5,15-30\nIf-Range: " + etag + "\n");
  write_seed(dir / "range-of-date", object + "Range: bytes=4-4\nIf-Range: " + date + "\n");
  write_seed(dir / "dates", object + "If-Modified-Since: " + date +
                                "\nIf-Unmodified-Since: Sunday, 06-Nov-94 08:49:37 GMT\n"
                                "Date: Sun Nov  6 08:49:37 1994\n");
  write_seed(dir / "tags", object + "If-Match: W/\"a\", " + etag + "\nIf-None-Match: *\n");
  write_seed(dir / "digests", object + "Repr-Digest: md5=:AAAA:, " + net::digest_field({}) + "\nContent-Digest: " +
                                  net::digest_field({}) + "\nWant-Repr-Digest: sha-256=10, sha-512=3\n");
  write_seed(dir / "texts", object +
                                "Target: /o/dir/%C3%A4.jpg?prefix=a%2Fb&limit=3\nKey: dir/%E2%82%AC+x\n"
                                "Content-Type: text/html; charset=utf-8\nAddress: [::1]:8080\nBase: AAECAw==\n");
}

void write_peers(const std::filesystem::path& dir) {
  net::PeerAuth auth;
  auth.cluster = ClusterId{0xc1};
  auth.self = NodeId{1};
  const net::RequestHead hello = net::hello_request(auth, "000102030405060708090a0b0c0d0e0f");
  write_seed(dir / "hello", "GET\n" + hello.target + "\n" + lines_of(hello.fields));
  store::ObjectMeta meta;
  meta.key = "dir/a b.jpg";
  meta.revision = Revision::of(Seq{7}, 3);
  meta.checksum = 0x1234abcd;
  meta.modified = WallTime{1'700'000'000'000};
  meta.content_type = "image/jpeg";
  net::Fields fields;
  node::put_record_fields(fields, meta);
  fields.add(node::kMapSeqField, "42");
  write_seed(dir / "record", "PUT\n00000000000000010000000000000002\n" + lines_of(fields));
  std::string digests;
  std::string parts;
  for (const std::uint16_t home : {1, 700}) {
    const node::SharedPart part{BucketId{home}, placement::Level{1}};
    parts += node::part_line(part);
    node::append_digest(digests, part, Digest{1, 2, 3});
  }
  write_seed(dir / "parts", "POST\n/peer/digests\n\n" + parts);
  write_seed(dir / "digests", "POST\n/peer/digests\n\n" + digests);
  std::string entries;
  node::append_entry(entries, {ObjectId{1, 2}, meta.revision, 1, false, 5});
  node::append_entry(entries, {ObjectId{3, 4}, meta.revision, 2, true, 0});
  write_seed(dir / "entries", "POST\n/peer/list\n\n" + entries);
}

void write_joins(const std::filesystem::path& dir) {
  const std::string body = R"({"name":"n6","zone":"a","weight":1,"client":"h:8080","peer":"h:8081"})";
  const node::AdminStamp stamp{1'700'000'000, "0123456789abcdef"};
  const std::string field = node::sign_call({}, node::AdminPurpose::kJoin, {"POST", node::kJoinTarget, body}, stamp);
  write_seed(dir / "join", field + "\n\n" + body);
  write_seed(dir / "setting", field + "\nprefix=a%2Fb&limit=17\n" + R"({"name":"redundancy","value":"4"})");
  write_seed(dir / "removal", field + "\nlimit=1\n" + R"({"node":"n3"})");
  write_seed(dir / "change", field + "\n\n" + node::change_json(wire::SettingChanged{"min_redundancy", "2"}));
  write_seed(dir / "removed", field + "\n\n" + node::change_json(wire::NodeRemoved{NodeId{0x1234}}));
  node::JoinToken token;
  token.cluster = ClusterId{0xc1};
  token.naming_seed = 5;
  write_seed(dir / "token", node::to_text(token) + "\n\n[1, 2.5e3, \"\\u00e4\", {\"a\":null}]");
}

}  // namespace

void write_text_seeds(const std::filesystem::path& dir) {
  write_requests(dir / "request");
  write_fields(dir / "fields");
  write_peers(dir / "peer");
  write_joins(dir / "join");
}

}  // namespace brigade::fuzz
