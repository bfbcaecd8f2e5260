#include "head_parser.h"

#include "text.h"

#include <boost/beast/http/basic_parser.hpp>

namespace brigade::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using BeastView = boost::beast::string_view;

std::string_view view_of(BeastView text) {
  return {text.data(), text.size()};
}

/// Beast's parser with our heads as its output; bodies are read elsewhere.
template <bool isRequest>
class HeadParser final : public http::basic_parser<isRequest> {
 public:
  RequestHead request;
  ResponseHead response;
  unsigned version = 11;

 private:
  void on_request_impl(http::verb, BeastView method, BeastView target, int v, error_code&) override {
    request.method.assign(method.data(), method.size());
    request.target.assign(target.data(), target.size());
    version = static_cast<unsigned>(v);
  }
  void on_response_impl(int code, BeastView, int v, error_code&) override {
    response.status = code;
    version = static_cast<unsigned>(v);
  }
  void on_field_impl(http::field, BeastView name, BeastView value, error_code&) override {
    (isRequest ? request.fields : response.fields).add(view_of(name), view_of(value));
  }
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(BeastView, error_code&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, BeastView, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, BeastView, error_code&) override { return 0; }
  void on_finish_impl(error_code&) override {}
};

template <bool isRequest>
Status parse(HeadParser<isRequest>& parser, std::string_view bytes) {
  parser.body_limit(boost::none);
  parser.header_limit(static_cast<std::uint32_t>(bytes.size() + 1));
  error_code ec;
  parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (ec) return Error(Errc::kInvalid, "the message head is malformed: " + ec.message());
  if (!parser.is_header_done()) return Error(Errc::kInvalid, "the message head is malformed");
  return {};
}

}  // namespace

Result<std::size_t> HeadScanner::scan(std::string_view bytes) {
  for (; at_ < bytes.size(); ++at_) {
    const char c = bytes[at_];
    if (c == '\n') {
      if (at_ == line_ || bytes[at_ - 1] != '\r')
        return Error(Errc::kInvalid, "a line of the head does not end in CR LF");
      if (at_ - line_ == 1) return ++at_;
      line_ = at_ + 1;
    } else if (at_ > line_ && bytes[at_ - 1] == '\r') {
      return Error(Errc::kInvalid, "a bare CR in the head");
    } else if (at_ == line_ && (c == ' ' || c == '\t')) {
      return Error(Errc::kInvalid, "a line of the head starts with a space; folded lines are not taken");
    } else if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
      return Error(Errc::kInvalid, "a control character in the head");
    }
  }
  return std::size_t{0};
}

Result<ParsedRequest> parse_request_head(std::string_view bytes) {
  HeadParser<true> parser;
  if (auto s = parse(parser, bytes); !s) return s.error();
  ParsedRequest parsed;
  parsed.head = std::move(parser.request);
  parsed.version = parser.version;
  return parsed;
}

Result<ParsedResponse> parse_response_head(std::string_view bytes) {
  HeadParser<false> parser;
  parser.skip(true);
  if (auto s = parse(parser, bytes); !s) return s.error();
  ParsedResponse parsed;
  parsed.head = std::move(parser.response);
  parsed.version = parser.version;
  return parsed;
}

bool connection_has(const Fields& fields, std::string_view option) {
  for (const auto& [name, value] : fields.items()) {
    if (!equals_without_case(name, "Connection")) continue;
    for (const std::string_view item : list_items(value))
      if (equals_without_case(item, option)) return true;
  }
  return false;
}

}  // namespace brigade::net
