// Changes: the difference between two states of a table, ready to be applied in one transaction.
// Pure values; thread-safe.
#pragma once
#include <string>
#include <vector>

namespace tiphys::proxy {

// One element of a map or set that goes or comes.
struct ElementChange {
  std::string map;
  std::string key;    // "10.43.0.5 . tcp . 80"
  std::string value;  // that comes or went: "goto spread-2", "10.42.0.7 . 8080"; "" in sets
  bool operator==(const ElementChange&) const = default;
};

// Commands are nft text. They are to be applied in the order of the members: what goes, goes first,
// flushed chains let go of their targets, so that things can be deleted and made anew under the
// same name within one transaction.
struct Changes {
  std::string flush;
  std::vector<ElementChange> removed;
  std::string drop;
  std::string make;
  std::string fill;
  std::vector<ElementChange> added;

  // True if no chain, map or set comes, goes or changes: nft_elements.h can apply it.
  bool elements_only() const {
    return flush.empty() && drop.empty() && make.empty() && fill.empty();
  }
  bool empty() const { return elements_only() && removed.empty() && added.empty(); }
  // As nft commands for the table ("ip name"); "" if empty.
  std::string text(const std::string& table) const;
};

}  // namespace tiphys::proxy
