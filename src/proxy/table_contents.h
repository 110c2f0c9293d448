// TableContents: what stands in an nftables table, short enough to be compared: by its chains how
// many rules they have, and a fingerprint of them; by its maps and sets which elements. What
// packets fill (sets of clients) is there, but not what is in it; sets without a name can't be
// changed and are left out. What the kernel makes of a rule's text only the kernel knows:
// fingerprints are compared with those that RulePrints took when the rules were made.
// wanted_contents() and difference() are pure; read_contents() and note() block, and work in the
// network namespace of the calling thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proxy/address.h"
#include "proxy/changes.h"

namespace tiphys::proxy {

struct TableContents {
  struct Chain {
    size_t rules = 0;
    uint64_t print = 0;  // of the rules, with their numbers; 0: not known
    bool drops = false;  // its policy, which none of ours has
  };
  struct Elements {
    size_t count = 0;
    uint64_t sum = 0;  // of hashes: in whatever order they come
  };
  bool dormant = false;  // the kernel doesn't use the table
  std::map<std::string, Chain> chains;
  std::map<std::string, Elements> sets;

  // key and value as the kernel has them; a verdict: "drop", "goto chain".
  void add_element(const std::string& set, const std::string& key, const std::string& value);
};

// What sets and maps of a table hold, kept up to date by its changes: the elements of 10,000
// services needn't be gone through to know. Pure.
class FilledSets {
 public:
  // whole: into an empty table.
  void apply(const Changes& changes, bool whole);
  void add_to(TableContents& wanted) const;

 private:
  std::map<std::string, TableContents::Elements> sets_;
};

// What we made of the chains of one table. For one thread at a time.
class RulePrints {
 public:
  RulePrints(std::string table, Family family) : table_(std::move(table)), family_(family) {}

  // Call right after a transaction of this nft text; whole: it made the table. Chains that can't be
  // read now aren't known. What somebody else did to these chains in between passes for ours.
  void note(std::string_view text, bool whole);
  // Puts them where they are known.
  void add_to(TableContents& wanted) const;

 private:
  std::string table_;
  Family family_;
  std::map<std::string, uint64_t> known_;  // by chain
};

// What a table has that was made by these changes (RuleSet::frame) out of nothing.
TableContents wanted_contents(const Changes& frame);

// What the table has. Errors: the kernel's; another transaction while it was read; there is no such
// table.
Result<TableContents> read_contents(const std::string& table, Family family);

// The first difference, for people: "chain services has 0 rules instead of 3"; "" if there is none.
// Fingerprints that aren't wanted aren't compared.
std::string difference(const TableContents& now, const TableContents& wanted);

}  // namespace tiphys::proxy
