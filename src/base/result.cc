#include "brigade/base/result.h"

#include <array>
#include <ostream>
#include <stdexcept>

#include "brigade/base/check.h"

namespace brigade {
namespace {

struct ErrcFacts {
  Errc code;
  int http_status;
  std::string_view problem_type;
  std::string_view message;
};

// In the order of the enumeration, without holes: facts() indexes it.
constexpr std::array kFacts{
    ErrcFacts{Errc::kOk, 200, "ok", "OK"},
    ErrcFacts{Errc::kInvalid, 400, "invalid", "Invalid request"},
    ErrcFacts{Errc::kUnauthorized, 401, "unauthorized", "Not signed with the cluster's secret"},
    ErrcFacts{Errc::kNotFound, 404, "not-found", "Not found"},
    ErrcFacts{Errc::kMethodNotAllowed, 405, "method-not-allowed", "Method not allowed"},
    ErrcFacts{Errc::kRequestTimeout, 408, "request-timeout", "Request too slow"},
    ErrcFacts{Errc::kConflict, 409, "conflict", "Conflict with the present state"},
    ErrcFacts{Errc::kPreconditionFailed, 412, "precondition-failed", "Precondition failed"},
    ErrcFacts{Errc::kTooLarge, 413, "too-large", "Too large"},
    ErrcFacts{Errc::kRangeNotSatisfiable, 416, "range-not-satisfiable", "Range not satisfiable"},
    ErrcFacts{Errc::kNotPrimary, 421, "not-primary", "Not the primary of this object"},
    ErrcFacts{Errc::kStale, 409, "stale-map", "Bucket map too old"},
    ErrcFacts{Errc::kHeaderTooLarge, 431, "header-too-large", "Header fields too large"},
    ErrcFacts{Errc::kInternal, 500, "internal", "Internal error"},
    ErrcFacts{Errc::kIo, 500, "io-error", "Disk failure"},
    ErrcFacts{Errc::kCorrupt, 500, "corrupt", "Stored data is corrupt"},
    ErrcFacts{Errc::kBadGateway, 502, "bad-gateway", "A node gave an answer that makes no sense"},
    ErrcFacts{Errc::kNoQuorum, 503, "no-quorum", "No quorum"},
    ErrcFacts{Errc::kUnavailable, 503, "unavailable", "No in-sync replica can be reached"},
    ErrcFacts{Errc::kOverloaded, 503, "overloaded", "Overloaded"},
    ErrcFacts{Errc::kTimeout, 503, "timeout", "Deadline passed, outcome open"},
    ErrcFacts{Errc::kClosed, 502, "closed", "Connection closed by the other side"},
    ErrcFacts{Errc::kBufferFull, 500, "buffer-full", "Reorder buffer full"},
    ErrcFacts{Errc::kNoSpace, 507, "no-space", "Disk full"},
};

constexpr bool is_in_order() {
  for (std::size_t i = 0; i < kFacts.size(); ++i)
    if (static_cast<std::size_t>(kFacts[i].code) != i) return false;
  return kFacts.back().code == Errc::kNoSpace;
}
static_assert(is_in_order(), "a code has no row, or its row is in the wrong place");

const ErrcFacts& facts(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  BRIGADE_CHECK(index < kFacts.size(), "no error code " << static_cast<int>(code));
  return kFacts[index];
}

class Category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "brigade"; }
  // An error_code can carry any integer, so this one must not be strict.
  std::string message(int value) const override {
    if (value < 0 || static_cast<std::size_t>(value) >= kFacts.size())
      return "unknown brigade error " + std::to_string(value);
    return std::string(kFacts[static_cast<std::size_t>(value)].message);
  }
};

}  // namespace

const boost::system::error_category& error_category() {
  static const Category category;
  return category;
}

std::string Error::detail() const {
  return detail_.empty() ? std::string(message(code_)) : detail_;
}

std::ostream& operator<<(std::ostream& os, const Error& error) {
  return os << problem_type(error.code()) << ": " << error.detail();
}

void throw_exception_from_error(const Error& e, const boost::source_location& where) {
  throw std::runtime_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                           ": value() of a Result that holds an error: " + e.detail());
}

int http_status(Errc code) {
  return facts(code).http_status;
}
std::string_view problem_type(Errc code) {
  return facts(code).problem_type;
}
std::string_view message(Errc code) {
  return facts(code).message;
}

}  // namespace brigade
