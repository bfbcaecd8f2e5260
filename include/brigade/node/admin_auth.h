// Who may change the cluster over the client listener, and how a newcomer and its cluster recognise each other.
// Source: design §7 CLI (`settings`, `remove`, `bootstrap --join`); testing "Cluster traffic is one, too".
// Concept: a call carries `Brigade-Admin: v1 UNIX_SECONDS NONCE HEX`. HEX is the MAC, with a key for the purpose, over
//          "METHOD\nTARGET\nUNIX_SECONDS\nNONCE\nBODY". Only who has the cluster's secret can make it; the clock bounds
//          how long the receiver must remember nonces, so that no call works twice. The answer to a join carries
//          `Brigade-Join: HEX` over NONCE and body: the newcomer knows that it talks to the cluster of its token.
// Thread:  pure functions; AdminGate: any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "brigade/base/result.h"
#include "brigade/wire/auth.h"

namespace brigade::node {

inline constexpr std::string_view kAdminField = "Brigade-Admin";
inline constexpr std::string_view kJoinField = "Brigade-Join";
inline constexpr std::string_view kJoinTarget = "/cluster/join";
/// How far apart the clocks of an operator's machine and a node may be.
inline constexpr std::chrono::seconds kAdminSkewMax{300};

/// What a signature is for; each has a key of its own, so that none works for the other.
enum class AdminPurpose : std::uint8_t { kAdmin, kJoin };

/// The request that is signed. Views: valid as long as what they point to.
struct AdminCall {
  std::string_view method;
  std::string_view target;
  std::string_view body;
};

/// When and with which nonce a call was signed.
struct AdminStamp {
  std::int64_t unix_seconds = 0;
  std::string nonce;  ///< 16 to 64 of [0-9A-Za-z]
  bool operator==(const AdminStamp&) const = default;
};

/// The value of kAdminField for `call`. Requires a well-formed stamp.
std::string sign_call(const wire::ClusterSecret& secret, AdminPurpose purpose, const AdminCall& call,
                      const AdminStamp& stamp);
/// The stamp of a call whose signature fits and is of now. That the nonce is new is AdminGate's to say.
/// Errors: kUnauthorized (no field, malformed, other secret, clock off by more than kAdminSkewMax).
Result<AdminStamp> verify_call(const wire::ClusterSecret& secret, AdminPurpose purpose, const AdminCall& call,
                               std::optional<std::string_view> field, std::int64_t now_unix_seconds);

/// The value of kJoinField for the answer `body` to the call with `nonce`.
std::string sign_join_answer(const wire::ClusterSecret& secret, std::string_view nonce, std::string_view body);
/// Errors: kUnauthorized: whoever answered does not have the secret.
Status verify_join_answer(const wire::ClusterSecret& secret, std::string_view nonce, std::string_view body,
                          std::optional<std::string_view> field);

/// Lets each signed call in once. Remembers nonces of calls that verified, for as long as they could be repeated.
class AdminGate {
 public:
  static constexpr std::size_t kNoncesMax = 65536;

  explicit AdminGate(const wire::ClusterSecret& secret) : secret_(secret) {}
  /// Errors: kUnauthorized as verify_call, or a repeat; kOverloaded when more than kNoncesMax calls are remembered.
  /// The accepted call's stamp: its nonce is what a join answer is signed with.
  Result<AdminStamp> admit(AdminPurpose purpose, const AdminCall& call, std::optional<std::string_view> field,
                           std::int64_t now_unix_seconds);

 private:
  wire::ClusterSecret secret_;
  std::mutex mutex_;
  std::unordered_set<std::string> nonces_;
  std::multimap<std::int64_t, std::string> by_time_;  ///< the same nonces by the time that their call claims
  std::int64_t forgotten_before_ = 0;                 ///< nonces of calls older than this are no longer known
};

}  // namespace brigade::node
