#include "admin.h"

#include <ctime>

#include <boost/json/serialize.hpp>

#include "brigade/net/peer_auth.h"
#include "brigade/node/config.h"

namespace brigade::cli {

Result<wire::ClusterSecret> admin_secret(const AdminAccess& access) {
  if (!access.data_dir.empty()) return node::load_secret({access.data_dir});
  if (access.token.empty())
    return Error{Errc::kInvalid,
                 "this changes the cluster and must be signed: give --data DIR of a node on this machine, or "
                 "--token TOKEN (BRIGADE_TOKEN)"};
  const auto token = node::parse_join_token(access.token);
  if (!token) return token.error();
  return token->secret;
}

node::AdminStamp new_stamp() {
  return {std::time(nullptr), net::make_nonce()};
}

Result<Answer> signed_post(const ApiClient& client, const wire::ClusterSecret& secret, node::AdminPurpose purpose,
                           const node::AdminStamp& stamp, const std::string& target, const boost::json::value& body) {
  const auto text = boost::json::serialize(body);
  net::RequestHead request;
  request.method = "POST";
  request.target = target;
  request.fields.add("Content-Type", "application/json");
  request.fields.add(node::kAdminField,
                     node::sign_call(secret, purpose, {request.method, request.target, text}, stamp));
  return client.call(request, text);
}

}  // namespace brigade::cli
