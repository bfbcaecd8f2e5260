#include "app.h"

#include "commands.h"
#include "misuse.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "brigade/base/limits.h"
#include "brigade/node/serve.h"

namespace brigade::cli {
namespace {

/// Not CLI11's own way with the environment: it would let that of any subcommand win over this one's options.
std::string from_environment(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : std::move(otherwise);
}

/// The options of all subcommands; the one that was chosen sets `outcome`.
class App {
 public:
  App() : app_("Brigade stores media on many machines and serves it over HTTP.", "brigade") {
    node_.url = from_environment("BRIGADE_NODE", node_.url);
    access_.token = bootstrap_.token = from_environment("BRIGADE_TOKEN", "");
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "brigade " BRIGADE_VERSION);
    app_.failure_message(CLI::FailureMessage::simple);
    app_.footer("Exit codes: 0 done, 1 failed, 2 usage. `brigade COMMAND --help` says more.");
    add_node_commands();
    add_cluster_commands();
    add_object_commands();
    add_store_commands();
    add_simulate_command();
  }

  int run(int argc, const char* const* argv) {
    if (argc < 2) {
      std::cerr << app_.help();
      return kUsage;
    }
    const std::string first = argv[1];
    const auto is_first = [&](const CLI::App* command) { return command->get_name() == first; };
    if (!first.starts_with('-') && std::ranges::none_of(app_.get_subcommands({}), is_first))
      return misused(no_such_command(app_, first));
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
      return app_.exit(help, std::cout, std::cerr);
    } catch (const CLI::CallForAllHelp& help) {
      return app_.exit(help, std::cout, std::cerr);
    } catch (const CLI::CallForVersion& version) {
      return app_.exit(version, std::cout, std::cerr);
    } catch (const CLI::ParseError& error) {
      return misused(misuse(app_, error));
    }
    std::cout << std::flush;
    if (!std::cout) {
      complain("stdout can't be written");
      return kFailed;
    }
    return outcome_;
  }

 private:
  static int misused(const std::string& what) {
    complain(what);
    return kUsage;
  }

  CLI::App* add(const std::string& name, const std::string& about) { return app_.add_subcommand(name, about); }

  static void add_data(CLI::App* command, std::vector<std::string>& dirs, const std::string& about) {
    command->add_option("--data", dirs, about)->required()->allow_extra_args(false);
  }

  static std::vector<std::string> whole_paths(const std::vector<std::string>& paths) {
    std::vector<std::string> whole;
    for (const std::string& path : paths) {
      std::string one = std::filesystem::absolute(path).lexically_normal().string();
      if (one.size() > 1 && one.ends_with('/')) one.pop_back();
      whole.push_back(std::move(one));
    }
    return whole;
  }

  static void add_redundancy(CLI::App* command, std::optional<std::uint32_t>& redundancy,
                             const std::string& about = "copies of each object") {
    command->add_option("--redundancy", redundancy, about)->check(CLI::IsMember({1, 2, 4, 8, 16}));
  }

  void add_node(CLI::App* command) {
    command->add_option("--node", node_.url, "client address of any node (or BRIGADE_NODE)")->capture_default_str();
    command->add_flag("--json", node_.json, "print JSON");
  }

  void add_access(CLI::App* command) {
    command->add_option("--data", access_.data_dir, "data directory of a node of the cluster, for its secret");
    command->add_option("--token", access_.token, "join token of the cluster (or BRIGADE_TOKEN)");
  }

  void add_node_commands() {
    const std::vector<std::string> levels = {"trace", "debug", "info", "warn", "error"};
    const std::vector<std::string> transports = {"multicast", "unicast"};
    auto* const bootstrap =
        add("bootstrap", "make a node's data directory: of a new cluster, or with --join of one that runs");
    add_data(bootstrap, data_dirs_, "the directory to make; again: directories on further disks, for objects");
    bootstrap->add_option("--name", bootstrap_.name, "the node's name, unique in the cluster")->required();
    auto* const join = bootstrap->add_option("--join", bootstrap_.join_url, "URL of any node of the cluster to join");
    bootstrap->add_option("--token", bootstrap_.token, "join token, for --join (or BRIGADE_TOKEN)")->needs(join);
    bootstrap->add_option("--listen-client", bootstrap_.listen_client, "address for HTTP clients [0.0.0.0:8080]");
    bootstrap->add_option("--listen-peer", bootstrap_.listen_peer, "address for the other nodes [0.0.0.0:8081]");
    bootstrap->add_option("--advertise-client", bootstrap_.advertise_client, "the same as clients reach it");
    bootstrap->add_option("--advertise-peer", bootstrap_.advertise_peer, "the same as the other nodes reach it");
    bootstrap->add_option("--transport", bootstrap_.transport, "of datagrams between nodes [multicast]")
        ->check(CLI::IsMember(transports));
    bootstrap->add_option("--multicast", bootstrap_.multicast, "group and port of datagrams [239.255.77.1:7400]");
    bootstrap->add_option("--interface", bootstrap_.interface, "IPv4 address of the interface for multicast");
    bootstrap->add_option("--zone", bootstrap_.zone, "what fails together with this node, such as a rack");
    bootstrap->add_option("--weight", bootstrap_.weight, "share of the data; 0: a spare, which holds nothing")
        ->check(CLI::Range(std::uint32_t{0}, limits::kWeightMax))
        ->capture_default_str();
    add_redundancy(bootstrap, bootstrap_.redundancy);
    bootstrap->add_option("--set", bootstrap_.settings, "a cluster setting, NAME=VALUE; may be repeated")
        ->expected(1, 100)
        ->allow_extra_args(false)
        ->excludes(join);
    bootstrap->add_option("--log-level", bootstrap_.log_level, "of the node [info]")->check(CLI::IsMember(levels));
    bootstrap->add_flag("--json", bootstrap_.json, "print JSON");
    bootstrap->callback([this] {
      bootstrap_.data_dir = data_dirs_.front();
      bootstrap_.disks = whole_paths({data_dirs_.begin() + 1, data_dirs_.end()});
      outcome_ = run_bootstrap(bootstrap_);
    });

    auto* const token = add("token", "print the join token of a node's cluster");
    token->add_option("--data", data_dir_, "the node's data directory")->required();
    token->add_flag("--json", node_.json, "print JSON");
    token->callback([this] { outcome_ = run_token(data_dir_, node_.json); });

    auto* const serve = add("serve", "run a node in the foreground until SIGTERM");
    add_data(serve, data_dirs_, "the node's data directory; again: directories on further disks, for objects");
    serve
        ->add_option("--give-up", given_up_,
                     "a further disk that is lost, so that it can't be read: what it held is fetched from its siblings")
        ->allow_extra_args(false);
    serve->callback([this] {
      outcome_ = node::serve({.data_dir = data_dirs_.front(),
                              .disks = whole_paths({data_dirs_.begin() + 1, data_dirs_.end()}),
                              .give_up = whole_paths(given_up_)});
    });

    auto* const dev = add("dev", "run a whole cluster on this machine, for a first look and for tests");
    dev->add_option("--data", dev_.data_dir, "directory for the nodes' directories, kept between runs")->required();
    dev->add_option("--nodes", dev_.nodes, "how many [those that are there, or 5]")->check(CLI::Range(1, 64));
    dev->add_option("--client-port", dev_.client_port, "client port of n1, the others follow [free ones]")
        ->check(CLI::Range(1, 65535));
    dev->add_option("--peer-port", dev_.peer_port, "peer port of n1, the others follow [free ones]")
        ->check(CLI::Range(1, 65535));
    dev->add_option("--transport", dev_.transport, "of datagrams between nodes")
        ->check(CLI::IsMember(transports))
        ->capture_default_str();
    add_redundancy(dev, dev_.redundancy);
    dev->add_option("--set", dev_.settings, "a setting of a new cluster, NAME=VALUE; may be repeated")
        ->expected(1, 100)
        ->allow_extra_args(false);
    dev->add_option("--log-level", dev_.log_level, "of the nodes")->check(CLI::IsMember(levels))->capture_default_str();
    dev->add_option("--wait", dev_.wait_seconds, "seconds for all nodes to be ready")
        ->check(CLI::Range(1, 3600))
        ->capture_default_str();
    dev->add_flag("--json", dev_.json, "print JSON");
    dev->callback([this] { outcome_ = run_dev(dev_); });
  }

  void add_cluster_commands() {
    auto* const status = add("status", "how the cluster is, as one node sees it");
    add_node(status);
    status->callback([this] { outcome_ = run_status(node_); });

    auto* const nodes = add("nodes", "the roster");
    add_node(nodes);
    nodes->callback([this] { outcome_ = run_nodes(node_); });

    auto* const locate = add("locate", "where an object belongs, which copies exist, and why there");
    locate->add_option("KEY", key_, "the object's key")->required();
    add_node(locate);
    locate->callback([this] { outcome_ = run_locate(node_, key_); });

    auto* const bucket = add("bucket", "buckets that lack what no node has any more");
    bucket->require_subcommand(1);
    auto* const accept = bucket->add_subcommand(
        "accept-loss",
        "let buckets serve what is left of them; what only nodes had that are gone is given up for good");
    accept
        ->add_option("BUCKET", accept_loss_.buckets, "numbers of buckets; none, without --yes: shows all that are lost")
        ->check(CLI::Range(0, 65535));
    accept->add_flag("--all", accept_loss_.all, "all buckets that are lost");
    accept->add_flag("--yes", accept_loss_.yes, "do it; otherwise only show what it would mean");
    add_access(accept);
    add_node(accept);
    accept->callback([this] { outcome_ = run_accept_loss(node_, access_, accept_loss_); });

    auto* const log = add("log", "the transaction log");
    log->add_option("--after", log_.after, "only transactions above this sequence number");
    log->add_option("--limit", log_.limit, "at most so many: the first after --after, or the newest")
        ->check([](const std::string& text) {
          return text.find_first_not_of('0') == std::string::npos ? "at least 1" : "";
        });
    add_node(log);
    log->callback([this] { outcome_ = run_log(node_, log_); });

    auto* const settings = add("settings", "show the cluster's settings, or change one");
    settings->add_option("NAME[=VALUE]", setting_, "which to show, or to change");
    add_node(settings);
    add_access(settings);
    settings->callback([this] { outcome_ = run_settings(node_, access_, setting_); });

    auto* const plan = add("plan", "what the coordinator would move now");
    add_node(plan);
    auto* const what_if = plan->add_option_group("what if");
    what_if->add_option("--drain", plan_.drain, "this node were to be emptied");
    auto* const replaced = what_if->add_option("--replace", plan_.replace, "this node were to be replaced, by --with");
    what_if->add_option("--reweight", plan_.reweight, "NODE=WEIGHT");
    what_if->add_option("--rezone", plan_.rezone, "NODE=ZONE");
    what_if->require_option(0, 1);
    replaced->needs(plan->add_option("--with", plan_.with, "which node takes the place of the one replaced"));
    plan->callback([this] { outcome_ = run_plan(node_, plan_); });

    auto* const verify =
        add("verify", "whether every object has all its copies: 0, or 1 with what is missing; mends it");
    verify->add_flag("--deep", deep_, "all nodes read and verify all that they store first (--data or --token)");
    add_node(verify);
    add_access(verify);
    verify->callback([this] { outcome_ = run_verify(node_, access_, deep_); });

    auto* const can_stop = add("can-stop", "whether these nodes can stop now: exit code 0, or 1 with the reasons");
    can_stop->add_option("NODE", nodes_, "their names")->required();
    add_node(can_stop);
    can_stop->callback([this] { outcome_ = run_can_stop(node_, nodes_); });

    auto* const drain = add("drain", "let a node give all its buckets to the others, while clients read and write");
    drain->add_option("NODE", drain_.name, "its name")->required();
    drain->add_flag("--wait", drain_.wait, "until it holds nothing that is needed");
    drain->add_flag("--cancel", drain_.cancel, "let it take part again");
    add_node(drain);
    add_access(drain);
    drain->callback([this] { outcome_ = run_drain(node_, access_, drain_); });

    auto* const replace = add("replace", "let one node take the place of another: what that has moves once");
    replace->add_option("NODE", drain_.name, "which goes")->required();
    replace->add_option("--with", drain_.with, "which takes its weight; best one that joined with --weight 0")
        ->required();
    replace->add_flag("--wait", drain_.wait, "until the first holds nothing that is needed");
    add_node(replace);
    add_access(replace);
    replace->callback([this] { outcome_ = run_drain(node_, access_, drain_); });

    auto* const reweight = add("reweight", "change a node's share of the data");
    reweight->add_option("NODE", name_, "its name")->required();
    reweight->add_option("WEIGHT", weight_, "compared with the others' weights; 0: it holds nothing")
        ->check(CLI::Range(std::uint32_t{0}, limits::kWeightMax))
        ->required();
    add_node(reweight);
    add_access(reweight);
    reweight->callback([this] { outcome_ = run_reweight(node_, access_, name_, weight_); });

    auto* const rezone = add("rezone", "say what fails together with a node: copies go to different zones");
    rezone->add_option("NODE", name_, "its name")->required();
    rezone->add_option("ZONE", zone_, "such as a rack; \"\": none")->required();
    add_node(rezone);
    add_access(rezone);
    rezone->callback([this] { outcome_ = run_rezone(node_, access_, name_, zone_); });

    auto* const remove = add("remove", "take a node out of the roster, for ever");
    remove->add_option("NODE", name_, "its name")->required();
    add_node(remove);
    add_access(remove);
    remove->callback([this] { outcome_ = run_remove(node_, access_, name_); });

    auto* const scrub = add("scrub", "make a node read and verify all that it stores, now");
    scrub->add_flag("--wait", wait_, "until all is read, and what is damaged is replaced");
    add_node(scrub);
    add_access(scrub);
    scrub->callback([this] { outcome_ = run_scrub(node_, access_, wait_); });

    auto* const version = add("version", "print the version");
    version->add_flag("--json", node_.json, "print JSON");
    version->callback([this] {
      std::cout << (node_.json ? "{\"version\": \"" BRIGADE_VERSION "\"}\n" : "brigade " BRIGADE_VERSION "\n");
    });
  }

  void add_object_commands() {
    auto* const put = add("put", "store files, and folders with all that is in them");
    put->add_option("FILE", put_.files, "files and folders")->required();
    put->add_option("--key", put_.key, "key of the one file [its name]");
    put->add_option("--prefix", put_.prefix, "put before each key, such as photos/");
    put->add_option("--type", put_.type, "content type [guessed from each name]");
    put->add_option("--parallel", put_.parallel, "files at a time")->check(CLI::Range(1, 64))->capture_default_str();
    put->add_option("--expires-in", put_.expires_in, "gone after this time, such as 7d; for what can be made anew");
    add_redundancy(put, put_.redundancy, "copies of each object; not below the setting min_redundancy (2 by default)");
    add_node(put);
    put->callback([this] { outcome_ = run_put(node_, put_); });

    auto* const get = add("get", "read an object");
    get->add_option("KEY", key_, "the object's key")->required();
    get->add_option("-o,--output", output_, "file to write [stdout]");
    add_node(get);
    get->callback([this] { outcome_ = run_get(node_, key_, output_); });

    auto* const rm = add("rm", "remove objects");
    rm->add_option("KEY", rm_.keys, "their keys");
    rm->add_option("--prefix", rm_.prefix, "all objects whose keys begin so; asks before it removes them");
    rm->add_flag("--yes", rm_.yes, "does not ask");
    rm->add_option("--parallel", rm_.parallel, "how many at a time")->check(CLI::Range(1, 64))->capture_default_str();
    add_node(rm);
    rm->callback([this] { outcome_ = run_rm(node_, rm_); });

    auto* const redundancy = add("redundancy", "give objects that are there more copies, or fewer");
    redundancy
        ->add_option(
            "KEY", redundancy_.words,
            "their keys, and at the end the redundancy: 1, 2, 4, 8 or 16, not below the setting min_redundancy (2)")
        ->required();
    redundancy->add_option("--prefix", redundancy_.prefix, "all objects whose keys begin so");
    redundancy->add_option("--parallel", redundancy_.parallel, "how many at a time")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    add_node(redundancy);
    redundancy->callback([this] { outcome_ = run_redundancy(node_, redundancy_); });

    auto* const stat = add("stat", "what is known of an object, without its bytes");
    stat->add_option("KEY", key_, "the object's key")->required();
    add_node(stat);
    stat->callback([this] { outcome_ = run_stat(node_, key_); });

    auto* const restore = add("restore", "bring back what was overwritten or deleted, within the setting `retention`");
    restore->add_option("KEY", restore_.key, "the object's key")->required();
    restore->add_option("--revision", restore_.revision, "which, as --list shows them [the newest]");
    restore->add_flag("--list", restore_.list, "show what could be brought back, and change nothing");
    add_node(restore);
    restore->callback([this] { outcome_ = run_restore(node_, restore_); });

    auto* const ls = add("ls", "list objects");
    ls->add_option("--prefix", prefix_, "only keys that start so");
    add_node(ls);
    ls->callback([this] { outcome_ = run_ls(node_, prefix_); });
  }

  void add_store_commands() {
    auto* const store = add("store", "look into the store of a node that is stopped, or mend it");
    store->require_subcommand(1);
    const auto add_tool = [&](const std::string& name, const std::string& about, int (*work)(const StoreCommand&)) {
      auto* const tool = store->add_subcommand(name, about);
      tool->add_option("--data", store_.data_dir, "the node's data directory")->required();
      tool->add_flag("--json", store_.json, "print JSON");
      tool->callback([this, work] { outcome_ = work(store_); });
      return tool;
    };
    add_tool("check", "read every record and file, and tell what is damaged; changes nothing", run_store_check);
    auto* const dump = add_tool("dump", "print what each record is; changes nothing", run_store_dump);
    dump->add_option("--key", store_.key, "only this object's");
    add_tool("rebuild-index", "write the index snapshot anew, from the segments alone", run_store_rebuild);
  }

  void add_simulate_command() {
    auto* const simulate = add("simulate", "what a cluster would do if nodes failed; nothing but this process runs");
    auto* const nodes = simulate->add_option("--nodes", simulate_.nodes, "how many")
                            ->check(CLI::Range(std::size_t{1}, limits::kNodesMax))
                            ->capture_default_str();
    simulate->add_option("--zones", simulate_.zones, "in how many zones a, b, c ... [none]")
        ->check(CLI::Range(std::size_t{0}, limits::kNodesMax));
    simulate->add_option("--log", simulate_.like_url, "URL of a node: with the roster, map and settings of its cluster")
        ->excludes(nodes);
    auto add_times = [&](const char* name, std::vector<std::string>& texts, const char* about) {
      simulate->add_option(name, texts, about)->expected(1, 1000)->allow_extra_args(false);
    };
    add_times("--fail", simulate_.failures, "node:NAME@TIME, zone:NAME@TIME or coordinator@TIME; may be repeated");
    add_times("--return", simulate_.returns, "node:NAME@TIME or zone:NAME@TIME: starts again; may be repeated");
    add_times("--join", simulate_.joins, "COUNT@TIME: new nodes; may be repeated");
    add_times("--set", simulate_.settings, "a cluster setting, NAME=VALUE; may be repeated");
    simulate->add_option("--for", simulate_.length, "of the cluster's time")->capture_default_str();
    simulate->add_option("--seed", simulate_.seed, "of all chance")->capture_default_str();
    simulate->add_option("--scenario", simulate_.scenario, "run this script, and print who says what to whom");
    simulate->add_flag("--json", simulate_.json, "print JSON");
    simulate->callback([this] { outcome_ = run_simulate(simulate_); });
  }

  CLI::App app_;
  int outcome_ = kDone;
  NodeOptions node_;
  AdminAccess access_;
  BootstrapCommand bootstrap_;
  DevCommand dev_;
  AcceptLossCommand accept_loss_;
  LogCommand log_;
  SimulateCommand simulate_;
  StoreCommand store_;
  PutCommand put_;
  RmCommand rm_;
  RedundancyCommand redundancy_;
  RestoreCommand restore_;
  bool wait_ = false;
  bool deep_ = false;
  std::string data_dir_;
  std::vector<std::string> data_dirs_, given_up_;
  std::string key_;
  std::string setting_;
  std::string name_, zone_;
  std::uint32_t weight_ = 1;
  PlanCommand plan_;
  DrainCommand drain_;
  std::vector<std::string> nodes_;
  std::string output_;
  std::string prefix_;
};

}  // namespace

void complain(std::string_view text) {
  std::cerr << "brigade: " << text << (text.ends_with('\n') ? "" : "\n");
}

int fail(const Error& error) {
  complain(error.detail());
  return error.code() == Errc::kInvalid ? kUsage : kFailed;
}

int run_app(int argc, const char* const* argv) {
  return App().run(argc, argv);
}

}  // namespace brigade::cli
