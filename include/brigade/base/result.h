// Results and error codes.  Source: style "Errors".
// Concept: Errc has a value only where a caller reacts differently; each has a message, an HTTP status and a problem
//          type (tests/base/result_test.cc holds the table). Detail text for people travels in Error.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace brigade {

enum class Errc {
  kOk = 0,
  kInvalid,              ///< The input breaks a rule; the caller must change it. 400
  kUnauthorized,         ///< Not signed with the cluster's secret. 401
  kNotFound,             ///< Known not to exist. 404
  kMethodNotAllowed,     ///< The resource is there, the method isn't. 405
  kRequestTimeout,       ///< The sender was too slow. 408
  kConflict,             ///< The state does not allow this (name taken, node id used). 409
  kPreconditionFailed,   ///< If-Match or If-None-Match does not hold. 412
  kTooLarge,             ///< Over a limit that is named in the detail. 413
  kRangeNotSatisfiable,  ///< No requested range lies in the object. 416
  kNotPrimary,           ///< Another node is primary: wait for the log, try again. 421
  kStale,                ///< The other side knows a newer map: apply the named seq first. 409
  kHeaderTooLarge,       ///< Header fields over a limit. 431
  kInternal,             ///< A defect of ours. 500
  kIo,                   ///< A disk failed; the node leaves. 500
  kCorrupt,              ///< A checksum does not match; use a sibling. 500
  kBadGateway,           ///< A peer answered something that makes no sense. 502
  kNoQuorum,             ///< This node has no lease; ask again, maybe elsewhere. 503
  kUnavailable,          ///< No in-sync replica can be reached now; ask again. 503
  kOverloaded,           ///< A bounded queue is full; ask again. 503
  kTimeout,              ///< A deadline passed; the outcome is open. 503
  kClosed,               ///< The other side went away. 502
  kBufferFull,           ///< Reorder buffer over its bound: ask for an index transfer. 500
  kNoSpace,              ///< The disk is full; reads go on. 507
};

/// The category is named "brigade".
const boost::system::error_category& error_category();
inline boost::system::error_code make_error_code(Errc e) {
  return {static_cast<int>(e), error_category()};
}

}  // namespace brigade

template <>
struct boost::system::is_error_code_enum<brigade::Errc> : std::true_type {};

namespace brigade {

/// An error code with what is wrong and what to do, in words for the person who gets it.
class [[nodiscard]] Error {
 public:
  Error() = default;  ///< kOk; only what error() of a Result that holds a value gives.
  Error(Errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}
  Error(Errc code) : code_(code) {}  // NOLINT(google-explicit-constructor): `return Errc::kNotFound` reads well
  [[nodiscard]] Errc code() const { return code_; }
  /// Never empty: the code's own message if nothing more is known.
  [[nodiscard]] std::string detail() const;

 private:
  Errc code_ = Errc::kOk;
  std::string detail_;
};

[[noreturn]] void throw_exception_from_error(const Error& e, const boost::source_location& where);

/// Either a value or an Error. `if (!r) return r.error();`
template <class T>
using Result = boost::system::result<T, Error>;
using Status = Result<void>;

/// "no-quorum: 2 of 5 nodes answer", for logs and failing tests.
std::ostream& operator<<(std::ostream& os, const Error& error);
/// The error, or just that there is a value: Boost's own operator would need every value type to be printable.
template <class T>
std::ostream& operator<<(std::ostream& os, const boost::system::result<T, Error>& result) {
  return os << (result.has_error() ? result.error() : Error{Errc::kOk, "has a value"});
}

/// What RFC 9110 calls the status code of the answer that carries this error.
int http_status(Errc code);
/// Stable last part of the RFC 9457 problem `type`, such as "no-quorum".
std::string_view problem_type(Errc code);
/// Short title in English, such as "No quorum".
std::string_view message(Errc code);

}  // namespace brigade
