// The parts of transactions that messages and snapshots hold too. Only codecs include this.
#pragma once

#include "capnp_io.h"
#include "txlog.capnp.h"

#include <optional>
#include <string_view>

#include "brigade/base/bucket_set.h"
#include "brigade/base/result.h"
#include "brigade/wire/transaction.h"

namespace brigade::wire {

void write(const NodeInfo& node, proto::NodeInfo::Builder out);
/// Does not validate.
NodeInfo read(proto::NodeInfo::Reader in);

void write(const Change& change, proto::Change::Builder out);
/// Enums and sets are checked; the rest is validate()'s.
Result<Change> read(proto::Change::Reader in);

inline capnp::Data::Reader as_data(std::string_view bytes) {
  return {reinterpret_cast<const kj::byte*>(bytes.data()), bytes.size()};
}
/// Errors: kInvalid if it is not a canonical bucket set.
Result<BucketSet> read_buckets(capnp::Data::Reader in);

}  // namespace brigade::wire
