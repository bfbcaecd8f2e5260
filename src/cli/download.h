// Reads one object into a file descriptor.
#pragma once

#include <cstdint>
#include <string>

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::cli {

/// Writes the whole body of `key` to `fd`; the answer's head. Follows redirects to other nodes; an answer of 503 is
/// tried again a bounded number of times, as long as no byte was written. Errors: kNotFound and the other problems of
/// the node; kClosed (cut short: what was written is not the object); kIo.
Result<net::ResponseHead> download(const std::string& address, const std::string& key, int fd);

}  // namespace brigade::cli
