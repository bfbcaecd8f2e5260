#include "read_order.h"

#include <algorithm>

namespace brigade::node {

using replication::ReadCandidate;

std::optional<ReadCandidate> ReadOrder::next() {
  if (at_ == At::kFirst) {
    at_ = At::kFirstNamed;
    first_ = first();
    if (first_) return first_;
  }
  if (at_ == At::kFirstNamed) {
    at_ = At::kOthers;
    list_others();
  }
  if (named_ == others_.size()) return std::nullopt;
  return others_[named_++];
}

std::optional<ReadCandidate> ReadOrder::first() const {
  if (const auto here = context_.held_copy(map_, id_)) return here;
  const auto nearest = replication::nearest_candidate(map_, id_);
  if (nearest && context_.is_suspect(nearest->node)) return std::nullopt;
  return nearest;
}

void ReadOrder::list_others() {
  others_ = replication::read_candidates(map_, id_);
  const auto is_named = [this](const ReadCandidate& c) { return first_ && c.node == first_->node; };
  others_.erase(std::remove_if(others_.begin(), others_.end(), is_named), others_.end());
  std::stable_partition(others_.begin(), others_.end(),
                        [this](const ReadCandidate& c) { return !context_.is_suspect(c.node); });
}

}  // namespace brigade::node
