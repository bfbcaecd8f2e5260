// bootstrap, token: how a node gets its data directory.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"

#include <algorithm>
#include <iostream>
#include <map>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "brigade/base/settings.h"
#include "brigade/node/bootstrap.h"
#include "brigade/wire/version.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

std::string given_or(const std::string& given, const std::string& fallback) {
  return given.empty() ? fallback : given;
}

/// Everything but addresses that must be found out.
Result<node::Config> config_from(const BootstrapCommand& command) {
  node::Config config;
  config.name = command.name;
  config.zone = command.zone;
  config.weight = command.weight;
  config.disks = command.disks;
  config.client_listen = given_or(command.listen_client, config.client_listen);
  config.peer_listen = given_or(command.listen_peer, config.peer_listen);
  config.client_advertise = command.advertise_client;
  config.peer_advertise = command.advertise_peer;
  if (command.transport == "unicast") config.transport = node::Transport::kUnicast;
  config.multicast = given_or(command.multicast, config.multicast);
  config.interface = command.interface;
  config.log_level = given_or(command.log_level, config.log_level);
  return config;
}

/// Wildcards become the address on the way to `towards`.
Status find_addresses(node::Config& config, const std::string& towards) {
  for (auto [listen, advertise] : {std::pair(&config.client_listen, &config.client_advertise),
                                   std::pair(&config.peer_listen, &config.peer_advertise)}) {
    if (!advertise->empty()) continue;
    const auto address = node::reachable_address(*listen, towards);
    if (!address) return address.error();
    if (*address != *listen) *advertise = *address;
  }
  return {};
}

const std::string& client_address(const node::Config& config) {
  return config.client_advertise.empty() ? config.client_listen : config.client_advertise;
}

const std::string& peer_address(const node::Config& config) {
  return config.peer_advertise.empty() ? config.peer_listen : config.peer_advertise;
}

int bootstrap_new(const BootstrapCommand& command, node::Config config) {
  const auto settings = settings_from(command.settings, command.redundancy);
  if (!settings) return fail(settings.error());
  // Any address elsewhere does: the kernel says which of ours it would leave by.
  if (auto found = find_addresses(config, config.interface.empty() ? config.multicast : config.interface + ":1");
      !found)
    return fail(found.error());
  const auto token = node::bootstrap_cluster({command.data_dir}, config, *settings);
  if (!token) return fail(token.error());
  const auto token_text = node::to_text(*token);
  std::cerr << "Node " << config.name << " of the new cluster " << to_string(token->cluster) << " is in "
            << command.data_dir << ".\nNext:\n  brigade serve --data " << command.data_dir
            << "\nand on each further machine, with the join token from stdout:\n  brigade bootstrap --join http://"
            << client_address(config) << " --token TOKEN --data DIR --name NAME\n  brigade serve --data DIR\n"
            << "Whoever has the join token can join and change the cluster: keep it like a password.\n";
  if (command.json) {
    json::object out;
    out["cluster"] = to_string(token->cluster);
    out["node"] = config.name;
    out["client"] = client_address(config);
    out["peer"] = peer_address(config);
    out["token"] = token_text;
    std::cout << json::serialize(out) << "\n";
  } else {
    std::cout << token_text << "\n";
  }
  return kDone;
}

/// What the cluster tells a newcomer.
struct Welcome {
  std::string transport;
  std::string multicast;
  std::vector<std::string> peers;
};

Result<Welcome> ask_to_join(const std::string& address, const node::JoinToken& token, const node::Config& config) {
  const ApiClient client(address);
  json::object request;
  request["name"] = config.name;
  request["zone"] = config.zone;
  request["weight"] = config.weight;
  request["client"] = client_address(config);
  request["peer"] = peer_address(config);
  const auto stamp = new_stamp();
  const auto answer =
      signed_post(client, token.secret, node::AdminPurpose::kJoin, stamp, std::string(node::kJoinTarget), request);
  if (!answer) return answer.error();
  const std::string where = "the node at http://" + address;
  if (answer->status == 401)
    return Error{Errc::kUnauthorized,
                 where + " did not accept the token (" + problem_of(*answer).detail() +
                     "): take the one that `brigade token --data DIR` prints on a machine of that cluster"};
  if (answer->status < 200 || answer->status >= 300) return problem_of(*answer);
  if (auto known =
          node::verify_join_answer(token.secret, stamp.nonce, answer->body, answer->fields.find(node::kJoinField));
      !known)
    return Error{Errc::kUnauthorized,
                 where + " does not belong to the token's cluster " + to_string(token.cluster) + ": check the URL"};
  const auto body = parse_json(answer->body);
  if (!body) return body.error();
  if (text_at(*body, "cluster") != to_string(token.cluster))
    return Error{Errc::kUnauthorized,
                 where + " is of cluster " + text_at(*body, "cluster") + ", the token of " + to_string(token.cluster)};
  const auto version = std::max(wire::kFirstVersion, static_cast<std::uint32_t>(number_at(*body, "protocol")));
  if (!wire::reads(wire::kProtocolVersion, version))
    return Error{Errc::kConflict, "the cluster has protocol " + wire::unreadable(wire::kProtocolVersion, version)};
  // It has the secret, so only a cluster that was put together by hand can differ here; its keys would hash elsewhere.
  if (text_at(*body, "naming_seed") != to_string(ClusterId{token.naming_seed}))
    return Error{Errc::kConflict,
                 where + " hashes keys with another seed than the token's: the token is stale, take a new one"};
  Welcome welcome;
  welcome.transport = text_at(*body, "transport");
  welcome.multicast = text_at(*body, "multicast");
  for (const auto& peer : array_at(*body, "peers"))
    if (const auto* const text = peer.if_string()) welcome.peers.emplace_back(*text);
  if (welcome.peers.empty()) return Error{Errc::kBadGateway, where + " named no peer to start with"};
  return welcome;
}

int bootstrap_join(const BootstrapCommand& command, node::Config config) {
  if (!command.settings.empty() || command.redundancy) {
    complain("--set and --redundancy go with a new cluster; an existing one has its settings: `brigade settings`");
    return kUsage;
  }
  const auto address = node_address(command.join_url);
  if (!address) return fail(address.error());
  if (command.token.empty()) {
    complain(
        "--join needs --token TOKEN (or BRIGADE_TOKEN): `brigade token --data DIR` on a machine of the cluster prints "
        "it");
    return kUsage;
  }
  const auto token = node::parse_join_token(command.token);
  if (!token) return fail(token.error());
  if (auto is_new = node::check_new_data_dir({command.data_dir}); !is_new) return fail(is_new.error());
  if (auto found = find_addresses(config, *address); !found) return fail(found.error());
  const auto welcome = ask_to_join(*address, *token, config);
  if (!welcome) return fail(welcome.error());
  if (command.transport.empty() && welcome->transport == "unicast") config.transport = node::Transport::kUnicast;
  if (command.multicast.empty() && welcome->multicast != "-") config.multicast = welcome->multicast;
  config.peers = welcome->peers;
  if (auto made = node::bootstrap_member({command.data_dir}, config, *token); !made) return fail(made.error());
  std::cerr << "Node " << config.name << " for the cluster " << to_string(token->cluster) << " is in "
            << command.data_dir << ".\nNext, and it joins by itself:\n  brigade serve --data " << command.data_dir
            << "\n";
  if (command.json) {
    json::object out;
    out["cluster"] = to_string(token->cluster);
    out["node"] = config.name;
    out["client"] = client_address(config);
    out["peer"] = peer_address(config);
    std::cout << json::serialize(out) << "\n";
  }
  return kDone;
}

}  // namespace

Result<std::map<std::string, std::string>> settings_from(const std::vector<std::string>& texts,
                                                         std::optional<std::uint32_t> redundancy) {
  std::map<std::string, std::string> settings;
  if (redundancy) settings["redundancy"] = std::to_string(*redundancy);
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{Errc::kInvalid, "--set " + text + ": NAME=VALUE is expected, such as lease=400ms"};
    if (!settings.emplace(text.substr(0, equals), text.substr(equals + 1)).second)
      return Error{Errc::kInvalid, text.substr(0, equals) + " is given twice"};
  }
  // One copy by default means that one copy is allowed.
  if (redundancy == 1) settings.emplace("min_redundancy", "1");
  if (const auto typed = parse_settings(settings); !typed) return typed.error();
  return settings;
}

int run_bootstrap(const BootstrapCommand& command) {
  auto config = config_from(command);
  if (!config) return fail(config.error());
  return command.join_url.empty() ? bootstrap_new(command, std::move(*config))
                                  : bootstrap_join(command, std::move(*config));
}

int run_token(const std::string& data_dir, bool as_json) {
  const auto token = node::join_token_of({data_dir});
  if (!token) return fail(token.error());
  const std::string text = node::to_text(*token);
  std::cout << (as_json ? json::serialize(json::object{{"token", text}}) : text) << "\n";
  return kDone;
}

}  // namespace brigade::cli
