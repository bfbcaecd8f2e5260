// Who may begin now: the room that the requests of a node share, and what is fair between those who ask.
// Source: RFC 9110 §15.6.4 (503 and Retry-After).
// Concept: nobody waits. Who finds no room is told so at once, and asks again later; so nothing piles up here, and no
//          node waits for another one that waits for it. A client alone may take all the room. While more than half of
//          it is taken, nobody goes beyond the share of each: all the room, by the number of those that asked within
//          kLately (who was refused too, so that whoever comes to a full room soon finds a place). Who holds nothing
//          begins as long as there is room at all.
// Thread:  any.
// Invariants: I1 what all hold together is within the limit that the last one to enter was let in by
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace brigade::node {

class Admission {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kLately{2};  ///< longer than Retry-After
  static constexpr std::size_t kClientsMax = 4096;   ///< that are remembered while they hold nothing

  struct Room {
    std::size_t places = 0;
    std::uint64_t bytes = 0;
    bool operator==(const Room&) const = default;
  };
  struct Stats {
    Room used;
    std::uint64_t refused_full = 0;   ///< there was no room for it
    std::uint64_t refused_share = 0;  ///< its client had its share
  };

 private:
  struct Client {
    std::string name;
    Room held;
    Clock::time_point asked;
  };

 public:
  /// Gives back what it holds when it goes, from any thread. The admission outlives it.
  class Place {
   public:
    Place(Place&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), client_(other.client_), bytes_(other.bytes_) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(client_, other.client_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Place() {
      if (owner_ != nullptr) owner_->leave(*client_, bytes_);
    }

   private:
    friend class Admission;
    Place(Admission& owner, Client& client, std::uint64_t bytes) : owner_(&owner), client_(&client), bytes_(bytes) {}
    Admission* owner_;
    Client* client_;
    std::uint64_t bytes_;
  };

  Admission() = default;
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// A place, and `bytes` to hold, for `client`; nothing if the answer is to be 503. `limit` may differ from call to
  /// call; `now` may not decrease by much.   Cost: O(1), amortised.
  [[nodiscard]] std::optional<Place> enter(std::string_view client, std::uint64_t bytes, Room limit,
                                           Clock::time_point now);
  [[nodiscard]] Stats stats() const;

 private:
  Client& find(std::string_view name, Clock::time_point now);
  void forget_old(Clock::time_point now);
  [[nodiscard]] bool is_fair(const Client& client, std::uint64_t bytes, Room limit) const;
  void leave(Client& client, std::uint64_t bytes);

  mutable std::mutex mutex_;
  std::list<Client> clients_;  ///< by when they asked, the oldest first
  std::unordered_map<std::string_view, std::list<Client>::iterator> by_name_;
  Stats stats_;
};

/// The part of "host:port" or "[v6]:port" that tells clients apart: the address; of IPv6 the network (/64), for of
/// those addresses anybody has as many as they like.
std::string client_of(std::string_view remote);

}  // namespace brigade::node
