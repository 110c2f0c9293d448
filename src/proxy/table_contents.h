// TableContents: what stands in an nftables table, short enough to be compared: by its chains how
// many rules they have, by its maps and sets which elements. What packets fill (sets of clients) is
// there, but not what is in it; sets without a name can't be changed and are left out.
// wanted_contents() is pure; read_contents() blocks.
#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "proxy/address.h"
#include "proxy/changes.h"

namespace tiphys::proxy {

struct TableContents {
  struct Elements {
    size_t count = 0;
    uint64_t sum = 0;  // of hashes: in whatever order they come
    bool operator==(const Elements&) const = default;
  };
  std::map<std::string, size_t> chains;  // -> rules
  std::map<std::string, Elements> sets;
  bool operator==(const TableContents&) const = default;

  // key and value as the kernel has them; a verdict: "drop", "goto chain".
  void add_element(const std::string& set, const std::string& key, const std::string& value);
};

// What a table has that was made by these changes (RuleSet::whole) out of nothing.
TableContents wanted_contents(const Changes& whole);

// What the table has, in the network namespace of the calling thread. Errors: the kernel's; another
// transaction while it was read; there is no such table.
Result<TableContents> read_contents(const std::string& table, Family family);

// The first difference, for people: "chain services has 0 rules instead of 3"; "" if there is none.
std::string difference(const TableContents& now, const TableContents& wanted);

}  // namespace tiphys::proxy
