// What a connection brings: a head is refused or clean, wherever its bytes were cut; a clean head says in one way only
// where its body ends; a chunked body is the same however it arrives.
#include "chunked.h"
#include "fuzz_input.h"
#include "head_format.h"
#include "head_parser.h"

#include <algorithm>
#include <array>
#include <string>

#include "brigade/base/check.h"
#include "brigade/net/http_policy.h"

namespace {

using namespace brigade;
using namespace brigade::net;

constexpr std::size_t kFieldsMax = 64;

struct Body {
  std::string bytes;
  std::size_t consumed = 0;
  bool refused = false;
  bool done = false;
};

/// At most `piece` bytes of the input at a time.
Body decode(std::string_view in, std::size_t piece) {
  ChunkDecoder decoder;
  Body body;
  std::array<std::byte, 16> out{};
  while (body.consumed < in.size() && !decoder.done()) {
    const auto step = decoder.decode(in.substr(body.consumed, piece), out);
    body.refused = !step;
    if (!step) return body;
    BRIGADE_CHECK(step->consumed + step->produced > 0, "no step forward");
    BRIGADE_CHECK(step->produced <= out.size(), "more than there is room for");
    body.consumed += step->consumed;
    body.bytes.append(reinterpret_cast<const char*>(out.data()), step->produced);
  }
  body.done = decoder.done();
  return body;
}

void check_body(std::string_view in) {
  const Body whole = decode(in, in.size());
  for (const std::size_t piece : {1U, 7U}) {
    const Body pieces = decode(in, piece);
    BRIGADE_CHECK(pieces.refused == whole.refused, "refused or not in pieces of " << piece);
    // What was there before the place that is refused may have been given out or not.
    BRIGADE_CHECK(whole.refused || (pieces.done == whole.done && pieces.bytes == whole.bytes),
                  "another body in pieces of " << piece);
    BRIGADE_CHECK(whole.refused || pieces.consumed == whole.consumed, "another end in pieces of " << piece);
  }
}

void check_clean(const RequestHead& head, unsigned version, const BodyFraming& framing) {
  const Fields& fields = head.fields;
  BRIGADE_CHECK(head.target.starts_with('/'), head.target);
  BRIGADE_CHECK(fields.count("Host") == 1 || version == 10, "no one host");
  for (const auto& [name, value] : fields.items()) {
    BRIGADE_CHECK(!name.empty(), "a field without a name");
    BRIGADE_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a field " << name);
  }
  const std::size_t lengths = fields.count("Content-Length");
  const std::size_t codings = fields.count("Transfer-Encoding");
  BRIGADE_CHECK(lengths + codings <= 1, "two framings");
  BRIGADE_CHECK((framing.kind == BodyFraming::Kind::kNone) == (lengths + codings == 0), "a framing from nowhere");
  BRIGADE_CHECK((framing.kind == BodyFraming::Kind::kChunked) == (codings == 1), "chunked or not");
}

void check_request(std::string_view bytes) {
  const auto parsed = parse_request_head(bytes);
  if (!parsed) return;
  const auto framing = checked_framing(parsed->head, parsed->version, kFieldsMax);
  if (!framing) return;
  check_clean(parsed->head, parsed->version, *framing);
  // As our client would send it on.
  std::string again = parsed->head.method + " " + parsed->head.target + " HTTP/1.1\r\n";
  append_fields(again, parsed->head.fields);
  append_framing(again, *framing);
  again += "\r\n";
  const auto second = parse_request_head(again);
  BRIGADE_CHECK(second.has_value(), "clean, but can't be sent on: " << second.error().detail());
  const auto second_framing = checked_framing(second->head, second->version, kFieldsMax);
  // HTTP/1.0 needs no Host, 1.1 does.
  BRIGADE_CHECK(parsed->version == 10 || (second_framing && *second_framing == *framing), "another framing");
  BRIGADE_CHECK(second->head.method == parsed->head.method && second->head.target == parsed->head.target,
                "another request");
}

void check_response(std::string_view bytes) {
  const auto parsed = parse_response_head(bytes);
  if (!parsed) return;
  BRIGADE_CHECK(parsed->head.status >= 0 && parsed->head.status <= 999, "status " << parsed->head.status);
  for (const auto& [name, value] : parsed->head.fields.items())
    BRIGADE_CHECK(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos, "a field " << name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  HeadScanner at_once;
  const auto length = at_once.scan(input);
  HeadScanner bytewise;
  Result<std::size_t> seen = std::size_t{0};
  for (std::size_t n = 1; n <= size && seen && *seen == 0; ++n) seen = bytewise.scan(input.substr(0, n));
  BRIGADE_CHECK(seen.has_value() == length.has_value() && (!seen || *seen == *length), "another end of the head");
  if (length && *length > 0) {
    check_request(input.substr(0, *length));
    check_response(input.substr(0, *length));
    check_body(input.substr(*length));
  } else {
    check_body(input);
  }
  return 0;
}
