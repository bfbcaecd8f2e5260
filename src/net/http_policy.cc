#include "brigade/net/http_policy.h"

#include "text.h"

#include <charconv>

namespace brigade::net {
namespace {

Status checked_target(std::string_view target) {
  if (target.empty() || target.front() != '/')
    return Error(Errc::kInvalid, "the request target must be a path that starts with '/'; absolute URLs are not taken");
  for (const char c : target) {
    if (c <= 0x20 || c == 0x7f || static_cast<unsigned char>(c) > 0x7f || c == '#' || c == '\\')
      return Error(Errc::kInvalid, "the request target holds a byte that must be percent-encoded");
  }
  const std::string_view path = target.substr(0, target.find('?'));
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    if (segment == "." || segment == "..")
      return Error(Errc::kInvalid, "the request target holds a '.' or '..' segment; send the path resolved");
    at = end;
  }
  return {};
}

Status checked_fields(const Fields& fields) {
  for (const auto& [name, value] : fields.items()) {
    if (!is_token(name)) return Error(Errc::kInvalid, "a header field has a name that is not a token");
    for (const char c : value) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
        return Error(Errc::kInvalid, "the header field '" + name + "' holds a control character");
    }
  }
  return {};
}

Status checked_host(const Fields& fields, unsigned version) {
  const std::size_t hosts = fields.count("Host");
  if (hosts > 1 || (hosts == 0 && version >= 11))
    return Error(Errc::kInvalid, "a request must carry exactly one Host field, this one has " + std::to_string(hosts));
  if (hosts == 0) return {};
  const std::string_view host = *fields.find("Host");
  if (host.empty()) return Error(Errc::kInvalid, "the Host field is empty");
  for (const char c : host) {
    if (!is_alnum(c) && std::string_view("-._~:[]%").find(c) == std::string_view::npos)
      return Error(Errc::kInvalid, "the Host field is not a host with an optional port");
  }
  return {};
}

}  // namespace

Result<BodyFraming> checked_framing(const RequestHead& head, unsigned version, std::size_t fields_max) {
  if (version != 10 && version != 11) return Error(Errc::kInvalid, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  const Fields& fields = head.fields;
  if (fields.items().size() > fields_max) {
    return Error(Errc::kHeaderTooLarge, "the request has " + std::to_string(fields.items().size()) +
                                            " header fields, at most " + std::to_string(fields_max) + " are allowed");
  }
  if (!is_token(head.method)) return Error(Errc::kInvalid, "the request method is not a token");
  if (auto s = checked_target(head.target); !s) return s.error();
  if (auto s = checked_fields(fields); !s) return s.error();
  if (auto s = checked_host(fields, version); !s) return s.error();

  const std::size_t lengths = fields.count("Content-Length");
  const std::size_t codings = fields.count("Transfer-Encoding");
  if (codings > 0) {
    if (version < 11) return Error(Errc::kInvalid, "Transfer-Encoding does not exist in HTTP/1.0");
    if (lengths > 0) return Error(Errc::kInvalid, "Transfer-Encoding and Content-Length exclude each other");
    // Byte for byte: every variation of this word is how two servers come to disagree on where a request ends.
    if (codings > 1 || *fields.find("Transfer-Encoding") != "chunked")
      return Error(Errc::kInvalid, "Transfer-Encoding must be exactly 'chunked'");
    return BodyFraming::chunked();
  }
  if (lengths == 0) return BodyFraming::none();
  if (lengths > 1) return Error(Errc::kInvalid, "more than one Content-Length");
  const auto length = parse_decimal(*fields.find("Content-Length"));
  if (!length) return Error(Errc::kInvalid, "Content-Length must be one number of at most 18 digits");
  return BodyFraming::of_length(*length);
}

}  // namespace brigade::net
