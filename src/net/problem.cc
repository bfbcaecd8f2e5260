// Errors as answers.  Source: RFC 9457.
#include "brigade/net/http_server.h"

namespace brigade::net {
namespace {

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      // Details may quote what a client sent, in any encoding: everything beyond ASCII is replaced, so that the answer
      // is valid JSON whatever it was.
      if (byte >= 0x80 && byte < 0xc0) continue;
      out += byte >= 0x80 ? "\\ufffd" : "\\u00";
      if (byte < 0x80) {
        out += kDigits[byte >> 4];
        out += kDigits[byte & 15];
      }
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

std::string problem_json(const Error& error, std::string_view instance) {
  std::string out = R"({"type":)";
  append_json_text(out, "urn:brigade:problem:" + std::string(problem_type(error.code())));
  out += R"(,"title":)";
  append_json_text(out, message(error.code()));
  out += R"(,"status":)" + std::to_string(http_status(error.code()));
  out += R"(,"detail":)";
  append_json_text(out, error.detail());
  if (!instance.empty()) {
    out += R"(,"instance":)";
    append_json_text(out, instance);
  }
  out += "}\n";
  return out;
}

ResponseHead problem_head(const Error& error) {
  ResponseHead head;
  head.status = http_status(error.code());
  head.fields.add("Content-Type", "application/problem+json");
  head.fields.add("Cache-Control", "no-store");
  if (head.status == 503) head.fields.add("Retry-After", "1");
  return head;
}

}  // namespace brigade::net
