// Knows again the store of a disk: PATH/store.toml says that PATH/objects was used, PATH/objects/store.toml that this
// is it.  Source: design §5 Promise: a 404 only when it is known. Concept: the folder of the objects may be lost, or a
// disk of its own that is not mounted. An empty one in its place would
//          be served as a node that has nothing, by a node whose log says that it has all. So the node does not start.
// Thread:  any; blocks.
#pragma once

#include <string>

#include "brigade/base/result.h"

namespace brigade::node {

/// Changes nothing. Errors: kConflict: a mark has another format version.
Status check_store_mark_versions(const std::string& path);

/// Marks the store of the disk at `path` if it is new, or was used by a release without marks. Errors: kNotFound,
/// kConflict: it is not there, or another one; kInvalid, kIo. A full disk is none: then it is marked another time.
Status settle_store_mark(const std::string& path);

}  // namespace brigade::node
