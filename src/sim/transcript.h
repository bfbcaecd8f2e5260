// What happens in a world, for a person who wants to learn the protocol.  Source: design §4.
// Concept: a line for each message, event and commit that says something new. What only repeats (heartbeats, probes
//          that nobody answers, the many transactions about buckets) is counted, and told in one line when something
//          else happens.
// Thread:  the world's owner.
#pragma once

#include "observer.h"
#include "world.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace brigade::sim {

class Transcript : public Observer {
 public:
  explicit Transcript(World& world);

  void on_effects(std::size_t node, const cluster::Effects& effects) override;
  void on_send(std::size_t node, const wire::Envelope& envelope, bool to_all, std::span<const Copy> copies) override;
  void on_durable(std::size_t node, std::uint64_t number) override;
  void on_note(std::string_view what, std::size_t node, std::size_t other) override;

  /// A line that is no happening, such as a comment.
  void remark(const std::string& text);
  /// What the script does now.
  void step(const std::string& text);
  /// Between these, nothing is written.
  void set_quiet(bool quiet);
  /// Tells what is left to tell; the whole text.
  std::string finish();
  /// "n1 n3", by rising number.
  [[nodiscard]] std::string names(const std::vector<std::size_t>& nodes) const;
  [[nodiscard]] std::string name(NodeId id) const;

 private:
  struct Rounds {
    std::uint64_t count = 0;
    std::map<std::size_t, std::uint64_t> answers;  ///< of each node that was asked
  };
  struct Batch {
    Moment submitted;
    std::string text;
    Seq last;
  };

  void tell_commits(std::size_t node, const std::vector<wire::LogEntry>& committed);
  /// `text` with the names of nodes in the place of their ids.
  [[nodiscard]] std::string with_names(std::string text) const;
  void look_at_leases();
  void line(const std::string& who, const std::string& text);
  /// Writes what was counted, unless it is so little that it can wait.
  void unfold(bool all);
  /// Something happened after which even what was said before is worth saying again.
  void mark() { said_since_.clear(); }
  /// True the first time that this is said; since the last mark() if `for_now`.
  bool is_new(const std::string& what, bool for_now = false);
  [[nodiscard]] bool is_heartbeat_new(std::size_t node, const wire::Heartbeat& m, const std::string& cut,
                                      const std::vector<std::size_t>& reached);
  [[nodiscard]] bool is_message_new(std::size_t node, const wire::Message& message, const std::string& to,
                                    const std::vector<std::size_t>& reached);
  [[nodiscard]] bool is_append_new(const wire::Append& m, const std::string& to);
  [[nodiscard]] bool has_notable(Seq after, Seq upto) const;
  [[nodiscard]] std::string confirmed(const wire::Heartbeat& m) const;

  World& world_;
  std::string text_;
  bool quiet_ = false;
  std::vector<bool> serves_;
  std::map<std::pair<std::size_t, std::uint64_t>, Batch> batches_;  ///< by node and number
  std::string now_durable_;                                         ///< what the effects that come next have waited for
  std::string released_by_;  ///< the same, of the effects that are carried out now

  std::set<Seq> notable_;  ///< of entries that are not about buckets
  std::set<std::string> said_;
  std::set<std::string> said_since_;
  std::map<std::size_t, std::string> heartbeat_said_;  ///< the last by each node
  std::map<std::size_t, Seq> commit_told_;
  std::map<std::size_t, Seq> acked_;

  // Counted since the last line.
  std::map<std::size_t, Rounds> rounds_;
  struct Repeats {
    std::uint64_t count = 0;
    std::set<std::size_t> senders;
  };
  std::map<std::string, Repeats> repeats_;               ///< by kind of message
  std::map<std::string, std::uint64_t> bucket_changes_;  ///< by kind
  Seq bucket_changes_upto_;
};

}  // namespace brigade::sim
