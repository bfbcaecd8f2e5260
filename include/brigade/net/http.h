// HTTP/1.1 as values: heads of requests and responses.  Source: RFC 9110, RFC 9112; testing "HTTP is an attack
// surface". Thread:  values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace brigade::net {

/// Header fields in order; names compare without case.
class Fields {
 public:
  void add(std::string_view name, std::string_view value) { items_.emplace_back(name, value); }
  /// Replaces all of that name.
  void set(std::string_view name, std::string_view value);
  /// The first of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  /// Removes all of that name.
  void remove(std::string_view name);
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// The constructors below are there because g++ 12 destroys an aggregate temporary in a co_await expression twice.

struct RequestHead {
  // NOLINTNEXTLINE(google-explicit-constructor): the same braces as an aggregate
  RequestHead(std::string method_ = {}, std::string target_ = {}, Fields fields_ = {})
      : method(std::move(method_)), target(std::move(target_)), fields(std::move(fields_)) {}
  std::string method;  ///< as sent, such as "GET"
  std::string target;  ///< origin form, as sent (still percent-encoded), with any query
  Fields fields;
};

struct ResponseHead {
  // NOLINTNEXTLINE(google-explicit-constructor)
  ResponseHead(int status_ = 200, Fields fields_ = {}) : status(status_), fields(std::move(fields_)) {}
  int status;
  Fields fields;
};

/// How the length of a body is told.
struct BodyFraming {
  enum class Kind : std::uint8_t { kNone, kLength, kChunked };
  // NOLINTNEXTLINE(google-explicit-constructor)
  BodyFraming(Kind kind_ = Kind::kNone, std::uint64_t length_ = 0) : kind(kind_), length(length_) {}
  Kind kind;
  std::uint64_t length;  ///< for kLength
  bool operator==(const BodyFraming&) const = default;
  static BodyFraming none() { return {}; }
  static BodyFraming of_length(std::uint64_t n) { return {Kind::kLength, n}; }
  static BodyFraming chunked() { return {Kind::kChunked, 0}; }
};

/// ASCII only, as HTTP's names compare.
bool equals_without_case(std::string_view a, std::string_view b);

}  // namespace brigade::net
