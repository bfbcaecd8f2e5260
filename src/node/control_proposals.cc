#include "control_proposals.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace brigade::node {

void Proposals::add(Instant now, Position position, Done done) {
  waiting_.push_back({position, now + kDeadline, std::move(done)});
}

template <class F>
void Proposals::finish(F is_over, const std::function<Result<Position>(const Proposal&)>& outcome) {
  const auto first =
      std::stable_partition(waiting_.begin(), waiting_.end(), [&](const Proposal& p) { return !is_over(p); });
  const std::vector<Proposal> over(std::make_move_iterator(first), std::make_move_iterator(waiting_.end()));
  waiting_.erase(first, waiting_.end());
  for (const Proposal& p : over) p.done(outcome(p));
}

void Proposals::on_committed(const wire::LogEntry& entry) {
  finish([&](const Proposal& p) { return p.position.seq == entry.seq; },
         [&](const Proposal& p) -> Result<Position> {
           if (p.position == entry.position()) return p.position;
           return Error{Errc::kUnavailable,
                        "another coordinator took over before this was committed: it did not happen; ask again"};
         });
}

void Proposals::on_step(Instant now, Seq seq) {
  if (waiting_.empty()) return;
  finish([&](const Proposal& p) { return p.position.seq <= seq; },
         [](const Proposal&) -> Result<Position> {
           return Error{Errc::kUnavailable,
                        "another coordinator took over: the outcome is open; look before asking again"};
         });
  finish([&](const Proposal& p) { return p.deadline <= now; },
         [](const Proposal&) -> Result<Position> {
           return Error{Errc::kTimeout, "no quorum has confirmed this: the outcome is open; look before asking again"};
         });
}

void Proposals::abandon(const Error& error) {
  finish([](const Proposal&) { return true; }, [&](const Proposal&) -> Result<Position> { return error; });
}

}  // namespace brigade::node
