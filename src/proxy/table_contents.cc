#include "proxy/table_contents.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <optional>
#include <set>
#include <vector>

#include "base/strings.h"
#include "os/netlink.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"

namespace tiphys::proxy {
namespace {

constexpr std::string_view kElements = "elements = { ";
constexpr uint64_t kPrintFactor = 1'000'003;  // a chain's rules count in their order

void add_words(TableContents& contents, const std::string& set, std::string_view list) {
  for (std::string_view word : split(list.substr(0, list.find(" }")), ',')) {
    contents.add_element(set, encode_data(trim(word)).value_or(""), "");
  }
}

// "add rule ip table chain ...", "add chain ip table name ...", "add set ip table name { ... }".
void add_line(TableContents& contents, std::string_view line) {
  std::vector<std::string_view> words = split(line, ' ');
  if (words.size() < 5) return;
  std::string name(words[4]);
  if (words[1] == "rule") ++contents.chains[name].rules;
  if (words[1] == "chain") contents.chains.try_emplace(name);
  if (words[1] != "map" && words[1] != "set") return;
  contents.sets.try_emplace(name);
  size_t elements = line.find(kElements);
  if (elements != std::string_view::npos) {
    add_words(contents, name, line.substr(elements + kElements.size()));
  }
}

std::string text_of(std::string_view bytes) {
  return std::string(bytes.substr(0, bytes.find('\0')));
}

// The attribute's bytes; empty if it isn't there.
std::string_view attribute(std::string_view list, uint16_t wanted) {
  std::string_view found;
  os::for_each_attribute(list, [&](uint16_t type, std::string_view bytes) {
    if (type == wanted) found = bytes;
  });
  return found;
}

std::string verdict_text(std::string_view verdict) {
  std::string chain = text_of(attribute(verdict, NFTA_VERDICT_CHAIN));
  auto code = static_cast<int32_t>(os::big_endian(attribute(verdict, NFTA_VERDICT_CODE)));
  if (code == NFT_GOTO) return "goto " + chain;
  return code == NF_DROP ? "drop" : "verdict " + std::to_string(code) + " " + chain;
}

std::string value_of(std::string_view data) {
  std::string_view verdict = attribute(data, NFTA_DATA_VERDICT);
  return verdict.empty() ? std::string(attribute(data, NFTA_DATA_VALUE)) : verdict_text(verdict);
}

// Reads a table, list by list.
class Reader {
 public:
  Reader(os::NetlinkSocket& socket, const std::string& table, Family family)
      : socket_(socket), table_(table), family_(nft_family(family)) {}

  Result<TableContents> read() {
    Result<void> done =
        dump(NFT_MSG_GETCHAIN, {{NFTA_CHAIN_TABLE, table_}}, [this](const Reply& reply) {
          if (text(reply, NFTA_CHAIN_TABLE) == table_) note_chain(reply);
        });
    if (done) done = read_rules("");
    if (done) {
      done = dump(NFT_MSG_GETSET, {{NFTA_SET_TABLE, table_}}, [this](const Reply& reply) {
        if (text(reply, NFTA_SET_TABLE) == table_) note_set(reply);
      });
    }
    for (size_t i = 0; done && i < filled_.size(); ++i) done = read_set(filled_[i]);
    if (!done) return done.error();
    return std::move(contents_);
  }
  // Rules of one chain; "": of all.
  Result<void> read_rules(const std::string& chain) {
    Texts which = {{NFTA_RULE_TABLE, table_}};
    if (!chain.empty()) which.emplace_back(NFTA_RULE_CHAIN, chain);
    return dump(NFT_MSG_GETRULE, which, [this](const Reply& reply) {
      if (text(reply, NFTA_RULE_TABLE) == table_) note_rule(reply);
    });
  }
  const TableContents& contents() const { return contents_; }

 private:
  using Reply = os::NetlinkReply;
  using Texts = std::vector<std::pair<uint16_t, std::string>>;

  static std::string text(const Reply& reply, uint16_t wanted) {
    return text_of(os::nft_attribute(reply, wanted));
  }
  static uint64_t number(const Reply& reply, uint16_t wanted) {
    return os::big_endian(os::nft_attribute(reply, wanted));
  }
  Result<void> dump(int kind, const Texts& which,
                    const std::function<void(const Reply&)>& on_reply) {
    os::NetlinkMessage message = os::nft_question(kind, family_, NLM_F_DUMP);
    for (const auto& [attribute, text] : which) message.add_text(attribute, text);
    return socket_.request(message, on_reply);
  }
  void note_chain(const Reply& reply) {
    TableContents::Chain& chain = contents_.chains[text(reply, NFTA_CHAIN_NAME)];
    bool base = !os::nft_attribute(reply, NFTA_CHAIN_HOOK).empty();
    chain.drops = base && number(reply, NFTA_CHAIN_POLICY) == NF_DROP;
  }
  void note_rule(const Reply& reply) {
    TableContents::Chain& chain = contents_.chains[text(reply, NFTA_RULE_CHAIN)];
    ++chain.rules;
    chain.print = chain.print * kPrintFactor + fnv64a(reply.body.substr(sizeof(nfgenmsg)));
  }
  void note_set(const Reply& reply) {
    uint64_t flags = number(reply, NFTA_SET_FLAGS);
    if ((flags & NFT_SET_ANONYMOUS) != 0) return;
    std::string name = text(reply, NFTA_SET_NAME);
    contents_.sets.try_emplace(name);
    if ((flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT)) == 0) filled_.push_back(std::move(name));
  }
  Result<void> read_set(const std::string& set) {
    Texts which = {{NFTA_SET_ELEM_LIST_TABLE, table_}, {NFTA_SET_ELEM_LIST_SET, set}};
    return dump(NFT_MSG_GETSETELEM, which, [&](const Reply& reply) {
      std::string_view list = os::nft_attribute(reply, NFTA_SET_ELEM_LIST_ELEMENTS);
      os::for_each_attribute(list, [&](uint16_t, std::string_view element) {
        contents_.add_element(set, value_of(attribute(element, NFTA_SET_ELEM_KEY)),
                              value_of(attribute(element, NFTA_SET_ELEM_DATA)));
      });
    });
  }

  os::NetlinkSocket& socket_;
  const std::string& table_;
  uint8_t family_;
  TableContents contents_;
  std::vector<std::string> filled_;  // by us only
};

uint64_t hash_of(const std::string& key, const std::string& value) {
  return fnv64a(key + '\0' + value);
}

uint64_t hash_of(const ElementChange& change) {
  bool verdict = change.value.starts_with("goto ") || change.value == "drop";
  bool data = !verdict && !change.value.empty();
  return hash_of(encode_data(change.key).value_or(""),
                 data ? encode_data(change.value).value_or("") : change.value);
}

std::string what_differs(const TableContents::Chain& now, const TableContents::Chain& wanted) {
  if (now.drops != wanted.drops) return " has the policy drop";
  if (now.rules != wanted.rules) {
    return " has " + std::to_string(now.rules) + " rules instead of " +
           std::to_string(wanted.rules);
  }
  return wanted.print == 0 || now.print == wanted.print ? "" : " has other rules";
}

std::string what_differs(const TableContents::Elements& now,
                         const TableContents::Elements& wanted) {
  if (now.count != wanted.count) {
    return " has " + std::to_string(now.count) + " elements instead of " +
           std::to_string(wanted.count);
  }
  return now.sum == wanted.sum ? "" : " has other elements";
}

template <class Value>
std::string first_difference(const std::string& kind, const std::map<std::string, Value>& now,
                             const std::map<std::string, Value>& wanted) {
  for (const auto& [name, value] : wanted) {
    auto found = now.find(name);
    if (found == now.end()) return kind + name + " is gone";
    std::string what = what_differs(found->second, value);
    if (!what.empty()) return kind + name + what;
  }
  for (const auto& [name, value] : now) {
    if (!wanted.contains(name)) return kind + name + " is not ours";
  }
  return "";
}

}  // namespace

void TableContents::add_element(const std::string& set, const std::string& key,
                                const std::string& value) {
  Elements& elements = sets[set];
  ++elements.count;
  elements.sum += hash_of(key, value);
}

void FilledSets::apply(const Changes& changes, bool whole) {
  if (whole) sets_.clear();
  for (const ElementChange& gone : changes.removed) {
    TableContents::Elements& elements = sets_[gone.map];
    --elements.count;
    elements.sum -= hash_of(gone);
  }
  for (const ElementChange& come : changes.added) {
    TableContents::Elements& elements = sets_[come.map];
    ++elements.count;
    elements.sum += hash_of(come);
  }
}

void FilledSets::add_to(TableContents& wanted) const {
  for (const auto& [name, filled] : sets_) {
    if (filled.count == 0) continue;  // its map may have gone
    TableContents::Elements& elements = wanted.sets[name];
    elements.count += filled.count;
    elements.sum += filled.sum;
  }
}

TableContents wanted_contents(const Changes& frame) {
  TableContents contents;
  for (const std::string* text : {&frame.make, &frame.fill}) {
    for (std::string_view line : split(*text, '\n')) add_line(contents, line);
  }
  return contents;
}

void RulePrints::note(std::string_view text, bool whole) {
  if (whole) known_.clear();
  std::set<std::string> chains;
  for (std::string_view line : split(text, '\n')) {
    std::vector<std::string_view> words = split(line, ' ');
    if (words.size() >= 5 && words[1] == "chain") chains.emplace(words[4]);
  }
  for (const std::string& chain : chains) known_.erase(chain);
  if (whole) chains = {""};
  Result<os::NetlinkSocket> socket = os::NetlinkSocket::open(NETLINK_NETFILTER);
  if (!socket) return;
  Reader reader(*socket, table_, family_);
  for (const std::string& chain : chains) {
    if (!reader.read_rules(chain)) return;
  }
  for (const auto& [chain, rules] : reader.contents().chains) known_[chain] = rules.print;
}

void RulePrints::add_to(TableContents& wanted) const {
  for (auto& [name, chain] : wanted.chains) {
    auto known = known_.find(name);
    if (known != known_.end()) chain.print = known->second;
  }
}

Result<TableContents> read_contents(const std::string& table, Family family) {
  TIPHYS_TRY(uint32_t, before, os::nft_generation());
  TIPHYS_TRY(std::optional<uint32_t>, flags, nft_table_flags(table, family));
  if (!flags) return ApiStatus::internal("there is no nftables table " + table);
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  TIPHYS_TRY(TableContents, contents, Reader(socket, table, family).read());
  contents.dormant = (*flags & NFT_TABLE_F_DORMANT) != 0;
  TIPHYS_TRY(uint32_t, after, os::nft_generation());
  if (before != after) return ApiStatus::internal("nftables changed while they were read");
  return contents;
}

std::string difference(const TableContents& now, const TableContents& wanted) {
  if (now.dormant != wanted.dormant) return "it is dormant";
  std::string chains = first_difference("chain ", now.chains, wanted.chains);
  return chains.empty() ? first_difference("set ", now.sets, wanted.sets) : chains;
}

}  // namespace tiphys::proxy
