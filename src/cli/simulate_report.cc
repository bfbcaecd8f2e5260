#include "simulate_report.h"

#include "text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

namespace brigade::cli {
namespace {

namespace json = boost::json;
using Align = Table::Align;
using sim::Rehearsal;

constexpr Duration kTogether = std::chrono::seconds{1};  ///< moments of one kind within this are one line
constexpr std::size_t kNamed = 4;

std::int64_t ms(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

std::string seconds(Duration d) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", static_cast<double>(ms(d)) / 1000);
  return text.data();
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// `text` with # for each number: texts of one shape differ in numbers only.
std::string shape_of(const std::string& text) {
  std::string shape;
  for (const char c : text)
    if (!is_digit(c))
      shape += c;
    else if (shape.empty() || shape.back() != '#')
      shape += '#';
  return shape;
}

std::vector<std::uint64_t> numbers_in(const std::string& text) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_digit(text[i])) continue;
    if (i == 0 || !is_digit(text[i - 1])) numbers.push_back(0);
    numbers.back() = numbers.back() * 10 + static_cast<std::uint64_t>(text[i] - '0');
  }
  return numbers;
}

/// What moments [first, end), whose texts are of one shape, say together: "lasts 3 to 7 ms".
std::string common_text(const std::vector<Rehearsal::Moment>& all, std::size_t first, std::size_t end) {
  std::vector<std::uint64_t> least = numbers_in(all[first].text), most = least;
  for (std::size_t i = first + 1; i < end; ++i) {
    const std::vector<std::uint64_t> numbers = numbers_in(all[i].text);
    for (std::size_t n = 0; n < numbers.size(); ++n) {
      least[n] = std::min(least[n], numbers[n]);
      most[n] = std::max(most[n], numbers[n]);
    }
  }
  std::string text;
  std::size_t n = 0;
  for (const char c : shape_of(all[first].text)) {
    if (c != '#') {
      text += c;
      continue;
    }
    text += std::to_string(least[n]) + (least[n] == most[n] ? "" : " to " + std::to_string(most[n]));
    ++n;
  }
  return text;
}

/// One line of the timeline for moments [first, end) of one kind and shape.
std::string line_of(const std::vector<Rehearsal::Moment>& all, std::size_t first, std::size_t end) {
  const Rehearsal::Moment& moment = all[first];
  std::string text = moment.node;
  if (end - first == 1) return text + (text.empty() ? "" : " ") + moment.text;
  for (std::size_t i = first + 1; i < std::min(end, first + kNamed); ++i) text += ", " + all[i].node;
  if (end - first > kNamed) text += " and " + std::to_string(end - first - kNamed) + " more";
  const std::int64_t span = ms(all[end - 1].at - moment.at);
  text += " (" + std::to_string(end - first) + (span == 0 ? " at once" : " in " + std::to_string(span) + " ms") + "): ";
  return text + common_text(all, first, end);
}

std::string timeline(const std::vector<Rehearsal::Moment>& all) {
  Table table({{"SECONDS", Align::kRight}, {"WHAT"}});
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i + 1;
    while (end < all.size() && !all[i].node.empty() && all[end].kind == all[i].kind && !all[end].node.empty() &&
           all[end].at - all[i].at <= kTogether && shape_of(all[end].text) == shape_of(all[i].text))
      ++end;
    table.row({seconds(all[i].at), line_of(all, i, end)});
    i = end;
  }
  return table.text();
}

std::string risk(const std::vector<Rehearsal::Risk>& all) {
  Table table({{"SECONDS", Align::kRight},
               {"2 IN SYNC", Align::kRight},
               {"1 IN SYNC", Align::kRight},
               {"NONE", Align::kRight}});
  constexpr std::size_t kLines = 24;
  // Where much changes, the steps are thinned out; the first and the last stay.
  const std::size_t step = std::max<std::size_t>(1, all.size() / kLines);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % step == 0 || i + 1 == all.size())
      table.row(
          {seconds(all[i].at), std::to_string(all[i].two), std::to_string(all[i].one), std::to_string(all[i].none)});
  return table.text();
}

/// Per node and second, of all but the first seconds, in which everything starts.
struct Rates {
  double sent = 0;
  double sent_bytes = 0;
  double received = 0;
  double received_bytes = 0;
};

Rates rates(const Rehearsal& r) {
  Rates sum;
  for (const Rehearsal::Traffic& t : r.traffic) {
    sum.sent += static_cast<double>(t.sent);
    sum.sent_bytes += static_cast<double>(t.sent_bytes);
    sum.received += static_cast<double>(t.received);
    sum.received_bytes += static_cast<double>(t.received_bytes);
  }
  const double by = std::max(1.0, static_cast<double>(r.nodes) * static_cast<double>(ms(r.length)) / 1000);
  return {sum.sent / by, sum.sent_bytes / by, sum.received / by, sum.received_bytes / by};
}

std::string rate_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

/// How long so many runs had fewer copies in sync, in run-seconds, and the worst moment.
struct Exposure {
  Rehearsal::Risk worst;
  double one_seconds = 0;
  double none_seconds = 0;
};

Exposure exposure(const Rehearsal& r) {
  Exposure e;
  for (std::size_t i = 0; i < r.risk.size(); ++i) {
    const Rehearsal::Risk& now = r.risk[i];
    const Duration until = i + 1 < r.risk.size() ? r.risk[i + 1].at : r.length;
    const double span = static_cast<double>(ms(until - now.at)) / 1000;
    e.one_seconds += now.one * span;
    e.none_seconds += now.none * span;
    if (std::pair(now.none, now.one) > std::pair(e.worst.none, e.worst.one)) e.worst = now;
  }
  return e;
}

json::object traffic_json(const Rehearsal::Traffic& t) {
  return {
      {"sent", t.sent}, {"sent_bytes", t.sent_bytes}, {"received", t.received}, {"received_bytes", t.received_bytes}};
}

}  // namespace

std::string render_rehearsal(const Rehearsal& r) {
  std::string out =
      timeline(r.timeline) + "\nBuckets: runs of two siblings (of 32768), by copies in sync\n" + risk(r.risk);
  const Rates rate = rates(r);
  const double length = std::max(1.0, static_cast<double>(ms(r.length)) / 1000);
  out += "\nControl traffic per node and second: " + rate_text(rate.sent) + " datagrams sent (" +
         human_bytes(static_cast<std::uint64_t>(rate.sent_bytes)) + "), " + rate_text(rate.received) + " received (" +
         human_bytes(static_cast<std::uint64_t>(rate.received_bytes)) + ")\n";
  out += "The coordinator, per second: " + rate_text(static_cast<double>(r.coordinator.sent) / length) + " sent (" +
         human_bytes(static_cast<std::uint64_t>(static_cast<double>(r.coordinator.sent_bytes) / length)) + "), " +
         rate_text(static_cast<double>(r.coordinator.received) / length) + " received (" +
         human_bytes(static_cast<std::uint64_t>(static_cast<double>(r.coordinator.received_bytes) / length)) + ")\n\n";
  const Exposure e = exposure(r);
  Duration longest{};
  for (std::size_t i = 1; i < r.elections.size(); ++i) longest = std::max(longest, r.elections[i].took);
  out += "Summary: " + counted(r.nodes, "node") + ", " + seconds(r.length) + " s, " +
         counted(r.elections.size(), "election");
  if (r.elections.size() > 1) out += ", at most " + std::to_string(ms(longest)) + " ms without a coordinator";
  out += ", " + counted(r.transactions, "transaction") + "\n";
  out += "Worst moment: " + counted(e.worst.one, "run") + " with one copy in sync, " + std::to_string(e.worst.none) +
         " with none; at risk in all: " + rate_text(e.one_seconds) + " and " + rate_text(e.none_seconds) +
         " run seconds\n";
  out += "At the end: " + std::to_string(r.serving()) + " of " + counted(r.running, "running node") + " serve";
  for (std::size_t i = 0; i < std::min(r.silent.size(), kNamed); ++i)
    out += (i == 0 ? "; silent: " : " ") + r.silent[i];
  out += r.silent.size() > kNamed ? " ...\n" : "\n";
  return out;
}

json::object rehearsal_json(const Rehearsal& r) {
  json::array moments;
  for (const Rehearsal::Moment& m : r.timeline)
    moments.push_back(json::object{{"at_ms", ms(m.at)}, {"kind", m.kind}, {"node", m.node}, {"text", m.text}});
  json::array elections;
  for (const Rehearsal::Election& e : r.elections)
    elections.push_back(
        json::object{{"at_ms", ms(e.at)}, {"took_ms", ms(e.took)}, {"coordinator", e.coordinator}, {"epoch", e.epoch}});
  json::array risks;
  for (const Rehearsal::Risk& risk : r.risk)
    risks.push_back(json::object{{"at_ms", ms(risk.at)}, {"two", risk.two}, {"one", risk.one}, {"none", risk.none}});
  json::array per_second;
  for (const Rehearsal::Traffic& t : r.traffic) per_second.push_back(traffic_json(t));
  const Rates rate = rates(r);
  const Exposure e = exposure(r);
  return {{"nodes", r.nodes},
          {"length_ms", ms(r.length)},
          {"violation", r.violation.empty() ? json::value(nullptr) : json::value(r.violation)},
          {"transactions", r.transactions},
          {"running", r.running},
          {"serving", r.serving()},
          {"silent", json::value_from(r.silent)},
          {"timeline", std::move(moments)},
          {"elections", std::move(elections)},
          {"risk", std::move(risks)},
          {"risk_run_seconds", json::object{{"one", e.one_seconds}, {"none", e.none_seconds}}},
          {"traffic", json::object{{"per_node_and_second", json::object{{"sent", rate.sent},
                                                                        {"sent_bytes", rate.sent_bytes},
                                                                        {"received", rate.received},
                                                                        {"received_bytes", rate.received_bytes}}},
                                   {"coordinator", traffic_json(r.coordinator)},
                                   {"seconds", std::move(per_second)}}}};
}

}  // namespace brigade::cli
