// One simulated machine: its disk, its clock, and, while it runs, its control and data plane.
// Thread: one owner.
#pragma once

#include "clock.h"
#include "data_plane.h"
#include "disk.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "brigade/base/prng.h"
#include "brigade/cluster/member.h"

namespace brigade::sim {

struct Host {
  Host(wire::NodeInfo node, Disk journal, std::int64_t ppm)
      : info(std::move(node)), disk(std::move(journal)), drift_ppm(ppm), data(info.id) {}

  [[nodiscard]] bool is_running() const { return member != nullptr; }

  wire::NodeInfo info;  ///< as it says at its next start; its id stays
  Disk disk;
  const std::int64_t drift_ppm;
  bool went_back = false;   ///< to an older release
  bool wanted = true;       ///< false: a spare that is not used yet, or a machine that is gone for good
  Duration flush_extra{};   ///< a disk that is slow for a while
  bool sync_fails = false;  ///< the next batch will not become durable, or not for sure: the node must not go on

  Duration busy{};  ///< processor time of its control plane, if metered

  // Of this start.
  std::unique_ptr<cluster::Member> member;
  DataPlane data;
  Clock clock;
  std::uint64_t life = 0;               ///< counts starts and crashes: what was meant for an earlier life is dropped
  Moment flushed_at{};                  ///< when the last batch submitted will be durable
  Moment tick_at{};                     ///< the next tick that is planned
  std::map<NodeId, Incarnation> heard;  ///< as the opener of datagrams keeps it: earlier lives are not heard
  bool look_planned = false;

  // Stopped, as by SIGSTOP: what arrives waits.
  bool paused = false;
  std::vector<std::function<void()>> waiting;
};

}  // namespace brigade::sim
