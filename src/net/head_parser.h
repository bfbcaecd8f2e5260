// From bytes to heads: where a head ends, and what it says.  Source: RFC 9112 §2.2, §5.2; testing "HTTP is an attack
// surface". Concept: the bytes are looked over first for what Beast forgives (lines without CR, folded lines, control
// characters),
//          then Beast's parser takes them apart. http_policy.h judges the result.
// Thread:  pure functions.
#pragma once

#include <cstddef>
#include <string_view>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::net {

/// Looks for the end of a head as bytes arrive.
class HeadScanner {
 public:
  /// `bytes` is everything so far, always from the same start. The length of the head with its empty line; 0: more is
  /// needed. Errors: kInvalid, for good.
  Result<std::size_t> scan(std::string_view bytes);
  /// For the next head.
  void reset() { *this = HeadScanner{}; }

 private:
  std::size_t at_ = 0;
  std::size_t line_ = 0;  ///< where the line under way began
};

struct ParsedRequest {
  RequestHead head;
  unsigned version = 11;  ///< 10 or 11
};
/// `bytes` is what HeadScanner measured. Errors: kInvalid.
Result<ParsedRequest> parse_request_head(std::string_view bytes);

struct ParsedResponse {
  ResponseHead head;
  unsigned version = 11;
};
/// Errors: kInvalid.
Result<ParsedResponse> parse_response_head(std::string_view bytes);

/// True if a Connection field names `option`.
bool connection_has(const Fields& fields, std::string_view option);

}  // namespace brigade::net
