// Looks at the disks when a client is told that its write is done.  Source: design §5 Promise, first sentence.
// Concept: reads show whether what was acknowledged is there; not on how many disks. This counts them, by the map that
//          the primary answers under, without asking the code that decides about it.
// Thread:  pure function.
#pragma once

#include "promise_world.h"

#include <cstddef>

namespace brigade::sim {

/// Tells the judge if a live replica of the key lacks `revision` or something later, or fewer than `write_copies` nodes
/// have it. Not bound are: who has got its part, or another one, since the map that the primary knows; and a disk that
/// was exchanged, which the log has yet to tell.
void check_copies(PromiseWorld& world, const PromiseNode& primary, std::size_t key, Revision revision,
                  placement::Level level);

/// Tells the judge if two disks have different contents of the key under one revision: whoever compares them finds them
/// equal, so that they stay what they are, and what is read depends on who is asked.
void check_contents(PromiseWorld& world, const PromiseNode& node, std::size_t key);

}  // namespace brigade::sim
