// Which requests are refused before anybody looks at them.  Source: testing "HTTP is an attack surface"; RFC 9112 §11.
// Concept: a pure function over the parsed head; what Beast 1.81 accepts and a server behind a cache must not.
#pragma once

#include "brigade/base/result.h"
#include "brigade/net/http.h"

namespace brigade::net {

/// `version` is 10 or 11. The framing of a request that is clean. Errors: kInvalid, kHeaderTooLarge; the connection
/// must be closed after the answer.
Result<BodyFraming> checked_framing(const RequestHead& head, unsigned version, std::size_t fields_max);

}  // namespace brigade::net
