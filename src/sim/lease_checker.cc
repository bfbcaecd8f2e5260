#include "lease_checker.h"

#include <algorithm>

namespace brigade::sim {

void LeaseChecker::note(std::size_t node, const Host& host) {
  const cluster::Member& member = *host.member;
  if (member.epoch()) granted_by_[node] = member.epoch();
  if (!member.is_coordinator()) return;
  const Moment until = host.clock.moment(member.lease_until());
  Moment& kept = coordinator_until_.try_emplace(member.epoch(), until).first->second;
  kept = std::max(kept, until);
}

void LeaseChecker::check(Moment now, const Hosts& hosts, Verdict& verdict) {
  std::size_t coordinator = hosts.size();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Host& host = *hosts[i];
    if (!host.is_running()) continue;
    note(i, host);
    if (!host.member->is_coordinator() || host.clock.moment(host.member->lease_until()) <= now) continue;
    if (coordinator != hosts.size())
      verdict.fail("two coordinators hold a lease: " + name_of(coordinator) + " and " + name_of(i));
    coordinator = i;
  }
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Host& host = *hosts[i];
    if (!host.is_running() || i == coordinator || !host.member->may_serve(host.clock.local(now))) continue;
    const Moment until = host.clock.moment(host.member->lease_until());
    auto granter = coordinator_until_.find(granted_by_[i]);
    if (granter == coordinator_until_.end()) {
      verdict.fail(name_of(i) + " serves without ever having been in a group");
      return;
    }
    if (until > granter->second)
      verdict.fail(name_of(i) + " may serve for " + std::to_string((until - granter->second).count()) +
                   " ns longer than the coordinator of epoch " + to_string(granted_by_[i]));
    if (coordinator == hosts.size()) continue;
    const Epoch leading = hosts[coordinator]->member->epoch();
    // Its own group's coordinator may form the group anew without waiting.
    if (leading.coordinator != granted_by_[i].coordinator)
      verdict.fail(name_of(i) + " serves under epoch " + to_string(granted_by_[i]) + " while " + name_of(coordinator) +
                   " holds the lease of epoch " + to_string(leading));
  }
}

}  // namespace brigade::sim
