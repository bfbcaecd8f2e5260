#include "transcript.h"

#include "transcript_text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <utility>

namespace brigade::sim {

namespace {

constexpr Duration kWorthTelling = std::chrono::milliseconds{10};  ///< of a message under way, or held by a disk
constexpr std::uint64_t kFewRepeats = 3;

std::int64_t ms(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

/// What such a message claims of its sender's promise and log must be on disk first.
bool waits_for_disk(const wire::Message& message) {
  return std::holds_alternative<wire::Invitation>(message) || std::holds_alternative<wire::Accept>(message) ||
         std::holds_alternative<wire::Ready>(message);
}

std::string plural(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

Transcript::Transcript(World& world) : world_(world), serves_(world.hosts().size(), false) {
  world_.observe(this);
}

std::string Transcript::name(NodeId id) const {
  const std::size_t index = world_.index_of(id);
  return index == kWorld ? "?" : "n" + std::to_string(index + 1);
}

std::string Transcript::with_names(std::string text) const {
  const Hosts& hosts = world_.hosts();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const std::string id = to_string(hosts[i]->info.id);
    for (std::size_t at = text.find(id); at != std::string::npos; at = text.find(id))
      text.replace(at, id.size(), names({i}));
  }
  return text;
}

std::string Transcript::names(const std::vector<std::size_t>& nodes) const {
  std::string text;
  for (std::size_t node : nodes) text += (text.empty() ? "n" : " n") + std::to_string(node + 1);
  return text;
}

void Transcript::remark(const std::string& text) {
  unfold(true);
  text_ += text + "\n";
}

void Transcript::step(const std::string& text) {
  look_at_leases();
  unfold(false);
  mark();
  if (quiet_) return;
  std::array<char, 24> time{};
  std::snprintf(time.data(), time.size(), "%6lld  ", static_cast<long long>(ms(world_.now())));
  text_ += time.data() + std::string("> ") + text + "\n";
}

void Transcript::set_quiet(bool quiet) {
  look_at_leases();
  unfold(true);
  quiet_ = quiet;
}

std::string Transcript::finish() {
  unfold(true);
  return text_;
}

void Transcript::line(const std::string& who, const std::string& text) {
  unfold(false);
  if (quiet_) return;
  std::array<char, 24> time{};
  std::snprintf(time.data(), time.size(), "%6lld  ", static_cast<long long>(ms(world_.now())));
  constexpr std::size_t kWidth = 16;
  text_ += time.data() + who + std::string(who.size() < kWidth ? kWidth - who.size() : 1, ' ') + text + "\n";
}

void Transcript::unfold(bool all) {
  std::uint64_t weight = 0;
  for (const auto& [node, rounds] : rounds_) weight += rounds.count;
  for (const auto& [kind, repeats] : repeats_) weight += repeats.count;
  if (weight == 0 && bucket_changes_.empty()) return;
  if (!all && weight < kFewRepeats && bucket_changes_.empty()) return;
  std::string text;
  auto add = [&text](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  for (const auto& [node, rounds] : rounds_) {
    if (rounds.count == 0) continue;
    std::string missing;
    for (const auto& [asked, answers] : rounds.answers)
      if (answers + 1 < rounds.count)  // the last answer may be under way
        missing += ", " + names({asked}) + " answered " + (answers == 0 ? "none" : std::to_string(answers));
    add(plural(rounds.count, "heartbeat round") + " by " + names({node}) +
        (rounds.answers.empty() ? ", nobody hears them"
         : missing.empty()      ? ", all answered"
                                : missing));
  }
  std::string again;
  for (const auto& [kind, repeats] : repeats_)
    again += (again.empty() ? "again " : ", ") + std::to_string(repeats.count) + " " + kind + " by " +
             names({repeats.senders.begin(), repeats.senders.end()});
  if (!again.empty()) add(again);
  std::uint64_t transactions = 0;
  std::string kinds;
  for (const auto& [kind, count] : bucket_changes_) {
    transactions += count;
    kinds += (kinds.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  }
  if (transactions > 0)
    add(plural(transactions, "transaction") + " about buckets, up to seq " + to_string(bucket_changes_upto_) + " (" +
        kinds + ")");
  if (!quiet_) text_ += "   ...  " + text + "\n";
  rounds_.clear();
  repeats_.clear();
  bucket_changes_.clear();
}

bool Transcript::is_new(const std::string& what, bool for_now) {
  return (for_now ? said_since_ : said_).insert(what).second;
}

void Transcript::look_at_leases() {
  const Hosts& hosts = world_.hosts();
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Host& host = *hosts[i];
    const bool serves = host.is_running() && host.member->may_serve(host.clock.local(world_.now()));
    if (serves == serves_[i]) continue;
    serves_[i] = serves;
    if (host.is_running()) line(names({i}), serves ? "* serves clients" : "* serves no more");
  }
}

bool Transcript::has_notable(Seq after, Seq upto) const {
  const auto at = notable_.upper_bound(after);
  return at != notable_.end() && *at <= upto;
}

void Transcript::tell_commits(std::size_t node, const std::vector<wire::LogEntry>& committed) {
  if (committed.empty()) return;
  std::string text;
  for (const wire::LogEntry& entry : committed) {
    if (is_about_buckets(entry.change)) continue;
    text += (text.empty() ? "" : "; ") + to_string(entry.seq) + " " + std::string(wire::kind_name(entry.change)) + " " +
            change_text(entry.change, [this](NodeId id) { return name(id); });
  }
  const std::string upto = "commits up to " + to_string(committed.back().seq);
  if (text.empty()) {
    if (is_new("commit " + std::to_string(node), true)) line(names({node}), upto + ", about buckets");
    return;
  }
  line(names({node}), is_new("commits " + text) ? upto + ": " + text : upto);
}

void Transcript::on_effects(std::size_t node, const cluster::Effects& effects) {
  look_at_leases();
  released_by_ = std::exchange(now_durable_, {});
  const auto namer = [this](NodeId id) { return name(id); };
  for (const cluster::Event& event : effects.events) {
    using Kind = cluster::Event::Kind;
    const bool told_by_commit = event.kind == Kind::kNodeUp || event.kind == Kind::kNodeDown ||
                                event.kind == Kind::kNodeAdded || event.kind == Kind::kNodeRemoved;
    if (told_by_commit) continue;
    const std::string text = event_text(event, namer);
    if (event.kind == Kind::kJoinRefused && !is_new(text)) continue;
    mark();
    line(names({node}), "* " + with_names(text));
  }
  tell_commits(node, effects.committed);
  if (effects.persist) {
    Seq last;
    for (const cluster::PersistOp& op : effects.persist->ops) {
      const auto* append = std::get_if<cluster::AppendEntries>(&op);
      if (append == nullptr) continue;
      for (const wire::LogEntry& entry : append->entries) {
        last = entry.seq;
        if (!is_about_buckets(entry.change)) {
          notable_.insert(entry.seq);
          continue;
        }
        if (entry.epoch.coordinator != world_.hosts()[node]->info.id || entry.seq <= bucket_changes_upto_) continue;
        bucket_changes_upto_ = entry.seq;
        ++bucket_changes_[std::string(wire::kind_name(entry.change))];
      }
    }
    batches_[{node, effects.persist->number}] = {world_.now(), batch_text(*effects.persist, namer), last};
  }
}

void Transcript::on_durable(std::size_t node, std::uint64_t number) {
  const auto at = batches_.find({node, number});
  if (at == batches_.end()) return;
  const Duration took = world_.now() - at->second.submitted;
  now_durable_ = at->second.text;
  if (took >= kWorthTelling) now_durable_ += " took " + std::to_string(ms(took)) + " ms";
  batches_.erase(batches_.begin(), std::next(at));
}

void Transcript::on_note(std::string_view what, std::size_t node, std::size_t other) {
  if (what == "fetches index") line(names({node}), "* fetches the index from " + names({other}));
  if (what == "crashes") acked_.erase(node);
}

std::string Transcript::confirmed(const wire::Heartbeat& m) const {
  const auto& roster = world_.committed().roster();
  if (roster.size() != m.answered.size()) {
    const auto count = std::count(m.answered.begin(), m.answered.end(), true);
    return count == 0 ? "" : std::to_string(count) + " nodes";
  }
  std::vector<std::size_t> nodes;
  for (std::size_t i = 0; i < roster.size(); ++i)
    if (m.answered[i] || m.answered_earlier[i]) nodes.push_back(world_.index_of(roster[i].node.id));
  std::sort(nodes.begin(), nodes.end());
  return names(nodes);
}

void Transcript::on_send(std::size_t node, const wire::Envelope& envelope, bool /*to_all*/,
                         std::span<const Copy> copies) {
  look_at_leases();
  std::vector<std::size_t> reached;
  std::vector<std::size_t> lost;
  std::vector<std::size_t> cut;
  std::string late;
  for (const Copy& copy : copies) {
    if (!world_.hosts()[copy.to]->is_running()) {
      if (copies.size() == 1) lost.push_back(copy.to);
      continue;
    }
    if (!copy.takes) {
      (world_.network().is_cut(node, copy.to) ? cut : lost).push_back(copy.to);
      continue;
    }
    reached.push_back(copy.to);
    if (*copy.takes >= kWorthTelling)
      late += (late.empty() ? "" : ", ") + names({copy.to}) + " in " + std::to_string(ms(*copy.takes)) + " ms";
  }
  std::string away;
  if (!cut.empty()) away += " (cut off: " + names(cut) + ")";
  if (!lost.empty()) away += " (lost: " + names(lost) + ")";
  const std::string to = reached.empty() ? "nobody" : names(reached);
  const wire::Message& message = envelope.message;
  const auto* heartbeat = std::get_if<wire::Heartbeat>(&message);
  const bool fresh = heartbeat != nullptr ? is_heartbeat_new(node, *heartbeat, names(cut), reached)
                                          : is_message_new(node, message, to + away, reached);
  if (!fresh) return;
  std::string text(wire::kind_name(message));
  text += "  " + message_text(message, heartbeat != nullptr ? confirmed(*heartbeat) : "",
                              [this](NodeId id) { return name(id); });
  if (!late.empty()) text += " [" + late + "]";
  const bool took_long = released_by_.find("took") != std::string::npos;
  if (!released_by_.empty() && (waits_for_disk(message) || took_long)) text += " [on disk: " + released_by_ + "]";
  line(names({node}) + " -> " + to, text + away);
}

bool Transcript::is_heartbeat_new(std::size_t node, const wire::Heartbeat& m, const std::string& cut,
                                  const std::vector<std::size_t>& reached) {
  const std::string what = epoch_text(m.epoch, [this](NodeId id) { return name(id); }) + confirmed(m) + "/" + cut +
                           (m.grant > Duration::zero() ? "+" : "-");
  const bool news = has_notable(commit_told_[node], m.commit);
  commit_told_[node] = std::max(commit_told_[node], m.commit);
  if (std::exchange(heartbeat_said_[node], what) != what || news) return true;
  Rounds& rounds = rounds_[node];
  ++rounds.count;
  for (std::size_t to : reached) rounds.answers.try_emplace(to, 0);
  return false;
}

bool Transcript::is_append_new(const wire::Append& m, const std::string& to) {
  const bool buckets_only =
      std::ranges::all_of(m.entries, [](const wire::LogEntry& e) { return is_about_buckets(e.change); });
  if (!buckets_only) return true;
  return is_new("Append " + std::string(wire::kind_name(m.entries.front().change)) + to, true);
}

bool Transcript::is_message_new(std::size_t node, const wire::Message& message, const std::string& to,
                                const std::vector<std::size_t>& reached) {
  const std::string from = names({node});
  const std::string text = message_text(message, "", [this](NodeId id) { return name(id); });
  const std::string what = from + " -> " + to + " " + std::string(wire::kind_name(message)) + " " + text;
  if (const auto* append = std::get_if<wire::Append>(&message)) return is_append_new(*append, to);
  if (const auto* ack = std::get_if<wire::Ack>(&message)) {
    const Seq before = std::exchange(acked_[node], ack->seq);
    return has_notable(before, ack->seq) || is_new(from + " acks", true);
  }
  if (std::holds_alternative<wire::HeartbeatReply>(message)) {
    for (std::size_t coordinator : reached) {
      auto rounds = rounds_.find(coordinator);
      if (rounds == rounds_.end()) continue;
      auto answers = rounds->second.answers.find(node);
      if (answers != rounds->second.answers.end() && answers->second < rounds->second.count) ++answers->second;
    }
    const auto& epoch = std::get<wire::HeartbeatReply>(message).epoch;
    return is_new(from + to + " answers " + to_string(epoch));
  }
  if (const auto* report = std::get_if<wire::Report>(&message);
      report != nullptr && report->kind != wire::ReportKind::kUnreachable)
    return is_new(from + " reports " + std::string(wire::report_kind_name(report->kind)), true);
  if (is_new(what, true)) return true;
  Repeats& repeats = repeats_[std::string(wire::kind_name(message))];
  ++repeats.count;
  repeats.senders.insert(node);
  return false;
}

}  // namespace brigade::sim
