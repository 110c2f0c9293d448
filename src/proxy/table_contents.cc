#include "proxy/table_contents.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstring>
#include <optional>
#include <vector>

#include "base/strings.h"
#include "os/netlink.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"

namespace tiphys::proxy {
namespace {

constexpr std::string_view kElements = "elements = { ";

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
  if (words[1] == "rule") ++contents.chains[name];
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

uint32_t number_of(std::string_view bytes) {
  uint32_t value = 0;
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return ntohl(value);
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
  auto code = static_cast<int32_t>(number_of(attribute(verdict, NFTA_VERDICT_CODE)));
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
      : socket_(socket),
        table_(table),
        family_(family == Family::kIpv4 ? NFPROTO_IPV4 : NFPROTO_IPV6) {}

  Result<TableContents> read() {
    Result<void> done = dump(NFT_MSG_GETCHAIN, NFTA_CHAIN_TABLE, "", [this](const Reply& reply) {
      if (text(reply, NFTA_CHAIN_TABLE) == table_) contents_.chains[text(reply, NFTA_CHAIN_NAME)];
    });
    if (done) done = read_rules();
    if (done) {
      done = dump(NFT_MSG_GETSET, NFTA_SET_TABLE, "", [this](const Reply& r) { note_set(r); });
    }
    for (size_t i = 0; done && i < filled_.size(); ++i) done = read_set(filled_[i]);
    if (!done) return done.error();
    return std::move(contents_);
  }

 private:
  using Reply = os::NetlinkReply;

  std::string text(const Reply& reply, uint16_t wanted) {
    return text_of(reply.find(sizeof(nfgenmsg), wanted).value_or(""));
  }
  // set: its elements are asked for; "": the table's things.
  Result<void> dump(int kind, uint16_t table_attribute, const std::string& set,
                    const std::function<void(const Reply&)>& on_reply) {
    nfgenmsg body{};
    body.nfgen_family = family_;
    os::NetlinkMessage message(static_cast<uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind),
                               NLM_F_DUMP, {reinterpret_cast<char*>(&body), sizeof body});
    message.add_text(table_attribute, table_);
    if (!set.empty()) message.add_text(NFTA_SET_ELEM_LIST_SET, set);
    return socket_.request(message, on_reply);
  }
  Result<void> read_rules() {
    return dump(NFT_MSG_GETRULE, NFTA_RULE_TABLE, "", [this](const Reply& reply) {
      if (text(reply, NFTA_RULE_TABLE) == table_) ++contents_.chains[text(reply, NFTA_RULE_CHAIN)];
    });
  }
  void note_set(const Reply& reply) {
    uint32_t flags = number_of(reply.find(sizeof(nfgenmsg), NFTA_SET_FLAGS).value_or(""));
    if (text(reply, NFTA_SET_TABLE) != table_ || (flags & NFT_SET_ANONYMOUS) != 0) return;
    std::string name = text(reply, NFTA_SET_NAME);
    contents_.sets.try_emplace(name);
    if ((flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT)) == 0) filled_.push_back(std::move(name));
  }
  Result<void> read_set(const std::string& set) {
    return dump(NFT_MSG_GETSETELEM, NFTA_SET_ELEM_LIST_TABLE, set, [&](const Reply& reply) {
      std::string_view list =
          reply.find(sizeof(nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS).value_or("");
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

template <class Value, class Describe>
std::string first_difference(const std::string& kind, const std::map<std::string, Value>& now,
                             const std::map<std::string, Value>& wanted, Describe describe) {
  for (const auto& [name, value] : wanted) {
    auto found = now.find(name);
    if (found == now.end()) return kind + name + " is gone";
    if (found->second != value) return kind + name + describe(found->second, value);
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
  elements.sum += fnv64a(key + '\0' + value);
}

TableContents wanted_contents(const Changes& whole) {
  TableContents contents;
  for (const std::string* text : {&whole.make, &whole.fill}) {
    for (std::string_view line : split(*text, '\n')) add_line(contents, line);
  }
  for (const ElementChange& change : whole.added) {
    bool verdict = change.value.starts_with("goto ") || change.value == "drop";
    bool data = !verdict && !change.value.empty();
    contents.add_element(change.map, encode_data(change.key).value_or(""),
                         data ? encode_data(change.value).value_or("") : change.value);
  }
  return contents;
}

Result<TableContents> read_contents(const std::string& table, Family family) {
  TIPHYS_TRY(uint32_t, before, nft_generation());
  TIPHYS_TRY(std::optional<uint32_t>, use, nft_table_use(table, family));
  if (!use) return ApiStatus::internal("there is no nftables table " + table);
  TIPHYS_TRY(os::NetlinkSocket, socket, os::NetlinkSocket::open(NETLINK_NETFILTER));
  TIPHYS_TRY(TableContents, contents, Reader(socket, table, family).read());
  TIPHYS_TRY(uint32_t, after, nft_generation());
  if (before != after) return ApiStatus::internal("nftables changed while they were read");
  return contents;
}

std::string difference(const TableContents& now, const TableContents& wanted) {
  std::string chains =
      first_difference("chain ", now.chains, wanted.chains, [](size_t n, size_t w) {
        return " has " + std::to_string(n) + " rules instead of " + std::to_string(w);
      });
  if (!chains.empty()) return chains;
  using Elements = TableContents::Elements;
  return first_difference("set ", now.sets, wanted.sets, [](const Elements& n, const Elements& w) {
    if (n.count == w.count) return std::string(" has other elements");
    return " has " + std::to_string(n.count) + " elements instead of " + std::to_string(w.count);
  });
}

}  // namespace tiphys::proxy
