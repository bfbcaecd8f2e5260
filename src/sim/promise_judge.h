// Judges what clients were told.  Source: design §5 Promise; testing "Judge of durable writes".
// Concept: knows operations, when they began and were answered, and nothing of maps, revisions or nodes. A write with
// an
//          open outcome may take effect at any time while somebody still works at it, and no later.
// Thread:  one owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "brigade/base/ids.h"

namespace brigade::sim {

using Ticks = std::int64_t;

class PromiseJudge {
 public:
  explicit PromiseJudge(std::size_t keys) : keys_(keys) {}

  /// A client asks for a write, or a delete, of `key`; the number of the operation, which names its contents too.
  std::size_t begins(std::size_t key, bool is_delete, Ticks now);
  /// Somebody works at it, and no longer does.
  void attempt_begins(std::size_t op) { ++ops_[op].attempts; }
  void attempt_ends(std::size_t op, Ticks now);
  /// From now on it may be seen.
  void may_be_seen(std::size_t op) { ops_[op].may_be_seen = true; }
  void acknowledged(std::size_t op, Ticks now) { ops_[op].acknowledged = now; }
  [[nodiscard]] bool is_acknowledged(std::size_t op) const { return ops_[op].acknowledged != kNot; }
  /// No write of `key` has an open outcome, not even one that is on its way still.
  [[nodiscard]] bool is_settled(std::size_t key, Ticks now) const;

  /// Somebody works at a write of `key`.
  [[nodiscard]] bool is_worked_at(std::size_t key) const {
    return std::ranges::any_of(keys_[key], [this](std::size_t op) { return ops_[op].attempts > 0; });
  }
  /// `op` is about to be acknowledged with this revision: no other of its key ever was.
  void has_revision(std::size_t op, Revision revision, Ticks now);

  /// Nobody worked at `op` any more when `later` began.
  [[nodiscard]] bool is_over_before(std::size_t op, std::size_t later) const {
    return ops_[op].attempts == 0 && ops_[op].ended < ops_[later].began;
  }

  /// A read of `key` that began at `began` is answered: with the contents of `op`, or 404. `how` is for people.
  void answered(std::size_t key, Ticks began, Ticks now, std::optional<std::size_t> op, const std::string& how);

  /// Somebody who looks at more than answers has found something wrong.
  void found(Ticks now, std::string what) { fail(now, std::move(what), "seen on the disks"); }

  [[nodiscard]] const std::string& violation() const { return violation_; }

 private:
  static constexpr Ticks kOnItsWay = 250;
  static constexpr Ticks kNot = std::numeric_limits<Ticks>::max();
  struct Op {
    std::size_t key = 0;
    bool is_delete = false;
    Ticks began = 0;
    Ticks acknowledged = kNot;
    std::size_t attempts = 0;
    Ticks ended = kNot;  ///< the last attempt
    bool may_be_seen = false;
  };
  /// An acknowledged operation that is surely later than `op`, and was acknowledged before `began`.
  [[nodiscard]] std::optional<std::size_t> superseded(const Op& op, Ticks began) const;
  void fail(Ticks now, std::string what, const std::string& how);
  [[nodiscard]] std::string story(const Op& op) const;

  std::vector<Op> ops_;
  std::vector<std::vector<std::size_t>> keys_;                         ///< operations by key
  std::map<std::pair<std::size_t, Revision>, std::size_t> revisions_;  ///< by key; of what was acknowledged
  /// (a, b), both acknowledged: a read that began after b's acknowledgement returned a, which is later then.
  std::vector<std::pair<std::size_t, std::size_t>> later_;
  std::string violation_;
};

}  // namespace brigade::sim
