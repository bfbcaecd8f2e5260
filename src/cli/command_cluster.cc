// status, nodes, locate, log, plan, settings, remove: operators' questions and changes.
#include "api_client.h"
#include "commands.h"
#include "json_view.h"
#include "render.h"

#include <algorithm>
#include <iostream>

#include <boost/json/object.hpp>

#include "brigade/net/http_semantics.h"

namespace brigade::cli {
namespace {

namespace json = boost::json;

/// GETs `target` and prints it, by `render` for people.
int show(const NodeOptions& node, const std::string& target, std::string (*render)(const json::value&)) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto answer = ApiClient(*address).get_json(target);
  if (!answer) return fail(answer.error());
  std::cout << (node.json ? pretty(*answer) : render(*answer));
  return kDone;
}

/// A signed change; `done` is what to tell people.
int change(const NodeOptions& node, const AdminAccess& access, const std::string& target, const json::object& body,
           const std::string& done) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  if (access.data_dir.empty() && access.token.empty()) {
    complain(admin_secret(access).error().detail());
    return kUsage;
  }
  const auto secret = admin_secret(access);
  if (!secret) return fail(secret.error());
  const auto answer = signed_post(ApiClient(*address), *secret, node::AdminPurpose::kAdmin, new_stamp(), target, body);
  if (!answer) return fail(answer.error());
  if (answer->status < 200 || answer->status >= 300) {
    if (node.json) std::cout << answer->body;
    return fail(problem_of(*answer));
  }
  if (node.json)
    std::cout << (answer->body.empty() ? "{}" : answer->body) << "\n";
  else
    std::cerr << done << "\n";
  return kDone;
}

int show_setting(const NodeOptions& node, const std::string& name) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const auto answer = ApiClient(*address).get_json("/cluster/settings");
  if (!answer) return fail(answer.error());
  for (const auto& setting : array_at(*answer, "settings")) {
    if (text_at(setting, "name") != name) continue;
    const auto* const value = find_at(setting, "value");
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    std::cout << (node.json ? pretty(setting)
                            : (text == nullptr ? text_at(setting, "value") : std::string(*text)) + "\n");
    return kDone;
  }
  return fail({Errc::kNotFound, "there is no setting " + name + ": `brigade settings` lists them"});
}

}  // namespace

int run_status(const NodeOptions& node) {
  return show(node, "/cluster", render_status);
}
int run_nodes(const NodeOptions& node) {
  return show(node, "/cluster/nodes", render_nodes);
}
int run_plan(const NodeOptions& node, const PlanCommand& command) {
  std::string query;
  if (!command.drain.empty()) query = "?drain=" + net::encode_key(command.drain);
  if (!command.replace.empty())
    query = "?replace=" + net::encode_key(command.replace) + "&with=" + net::encode_key(command.with);
  for (const auto& [name, text] : {std::pair("weight", &command.reweight), {"zone", &command.rezone}}) {
    if (text->empty()) continue;
    const auto equals = text->find('=');
    if (equals == std::string::npos) return fail({Errc::kInvalid, *text + " must be NODE=" + name});
    query = "?reshape=" + net::encode_key(text->substr(0, equals)) + "&" + name + "=" +
            net::encode_key(text->substr(equals + 1));
  }
  return show(node, "/cluster/plan" + query, render_plan);
}

int run_reweight(const NodeOptions& node, const AdminAccess& access, const std::string& name, std::uint32_t weight) {
  const json::object body{{"node", name}, {"weight", weight}};
  return change(
      node, access, "/cluster/reshape", body,
      name + " has weight " + std::to_string(weight) + " from now on: `brigade plan` shows what has yet to move");
}
int run_rezone(const NodeOptions& node, const AdminAccess& access, const std::string& name, const std::string& zone) {
  const json::object body{{"node", name}, {"zone", zone}};
  return change(node, access, "/cluster/reshape", body,
                name + (zone.empty() ? " is in no zone" : " is in zone " + zone) +
                    " from now on: `brigade plan` shows what has yet to move");
}

int run_locate(const NodeOptions& node, const std::string& key) {
  return show(node, "/cluster/locate/" + net::encode_key(key), render_locate);
}

int run_log(const NodeOptions& node, const LogCommand& command) {
  const auto address = node_address(node.url);
  if (!address) return fail(address.error());
  const ApiClient client(*address);
  std::uint64_t after = command.after.value_or(0);
  if (!command.after && command.limit > 0) {
    const auto cluster = client.get_json("/cluster");
    if (!cluster) return fail(cluster.error());
    const auto last = number_at(*cluster, "commit");
    after = last - std::min(last, command.limit);
  }
  auto target = "/cluster/log?after=" + std::to_string(after);
  if (command.limit > 0) target += "&limit=" + std::to_string(command.limit);
  const auto log = client.get_json(target);
  if (!log) return fail(log.error());
  if (const auto first = number_at(*log, "first_kept"); first > after + 1)
    complain("transactions up to " + std::to_string(first - 1) + " are in the bucket map, and no longer in the log");
  std::cout << (node.json ? pretty(*log) : render_log(*log));
  return kDone;
}

int run_settings(const NodeOptions& node, const AdminAccess& access, const std::string& setting) {
  if (setting.empty()) return show(node, "/cluster/settings", render_settings);
  const auto equals = setting.find('=');
  if (equals == std::string::npos) return show_setting(node, setting);
  json::object body;
  body["name"] = setting.substr(0, equals);
  body["value"] = setting.substr(equals + 1);
  return change(node, access, "/cluster/settings", body, setting + " is in force");
}

int run_remove(const NodeOptions& node, const AdminAccess& access, const std::string& name) {
  json::object body;
  body["node"] = name;
  return change(node, access, "/cluster/remove", body, name + " is no longer in the roster");
}

}  // namespace brigade::cli
