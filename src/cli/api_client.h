// The command line's way to a node: one small HTTP call at a time.
// Concept: blocking; each call has its own connection. Problem answers (RFC 9457) become Errors with their detail.
//          Large bodies go by upload.h and download.h.
// Thread:  any; a value.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::cli {

/// host:port of "http://HOST:PORT", "http://HOST" (port 80) or "HOST:PORT". Errors: kInvalid.
Result<std::string> node_address(std::string_view url);

struct Answer {
  int status = 0;
  net::Fields fields;
  std::string body;
};

/// The Error that an answer of 400 or above stands for: code by its problem type, detail from its body.
Error problem_of(const Answer& answer);

class ApiClient {
 public:
  static constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20;

  /// `address` as node_address gives it.
  explicit ApiClient(std::string address, std::chrono::milliseconds timeout = std::chrono::seconds{30})
      : address_(std::move(address)), timeout_(timeout) {}
  [[nodiscard]] const std::string& address() const { return address_; }

  /// Whatever the node answers. Errors: kUnavailable, with what to do, if it can't be reached; kTimeout, kBadGateway.
  Result<Answer> call(const net::RequestHead& request, const std::string& body = {}) const;
  /// The JSON of a 2xx answer. Errors: as call; problem_of the answer; kBadGateway if it is no JSON.
  Result<boost::json::value> get_json(const std::string& target) const;

 private:
  std::string address_;
  std::chrono::milliseconds timeout_;
};

/// Errors: kBadGateway.
Result<boost::json::value> parse_json(std::string_view body);

}  // namespace brigade::cli
