// What a thread is called, and what it has of the processor against the others.  Source: design §4 Leases.
// Concept: the control plane needs little, and needs it at once: a heartbeat that is late costs a lease. So its threads
//          go first where the system lets them: a lower nice value takes CAP_SYS_NICE. Without that all are alike: if
//          those that move data stepped back instead, they would do so for all other programs, too, and lose far more
//          than the others win. Niceness is a thread's own on Linux, and the threads that it starts inherit it.
// Thread:  speaks of the calling one.
#pragma once

#include <cstdint>

namespace brigade::node {

enum class ThreadRole : std::uint8_t { kControl, kData };

/// `name` (15 characters at most) is what tools show (top -H); nothing: as the process.
void take_role(ThreadRole role, const char* name = nullptr);

}  // namespace brigade::node
