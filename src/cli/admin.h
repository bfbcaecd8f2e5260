// What lets an operator change the cluster: its secret, from a data directory or a join token.
#pragma once

#include "api_client.h"

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "brigade/base/result.h"
#include "brigade/node/admin_auth.h"
#include "brigade/wire/auth.h"

namespace brigade::cli {

struct AdminAccess {
  std::string data_dir;  ///< --data
  std::string token;     ///< --token or BRIGADE_TOKEN
};

/// The secret, from the data directory if one is named. Errors: kInvalid (neither, or no token), as load_secret.
Result<wire::ClusterSecret> admin_secret(const AdminAccess& access);

/// A fresh stamp: now, and a nonce that nobody used before.
node::AdminStamp new_stamp();

/// POSTs `body`, signed for `purpose` with `stamp`. Errors: as ApiClient::call.
Result<Answer> signed_post(const ApiClient& client, const wire::ClusterSecret& secret, node::AdminPurpose purpose,
                           const node::AdminStamp& stamp, const std::string& target, const boost::json::value& body);

}  // namespace brigade::cli
