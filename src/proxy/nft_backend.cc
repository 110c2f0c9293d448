#include "proxy/nft_backend.h"

#include "proxy/base_rules.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"
#include "proxy/rule_set.h"
#include "proxy/table_contents.h"

namespace tiphys::proxy {
namespace {

// One transaction. Answers what looks tell after it.
Result<std::string> run(NftCustody& custody, const std::function<Result<void>()>& transaction) {
  TIPHYS_TRY(uint64_t, strangers, custody.run(transaction));
  return std::to_string(strangers);
}

// whole: it makes the table.
Result<void> apply_text(const std::string& text, RulePrints& prints, bool whole) {
  Result<void> applied = os::nft_apply(text);
  if (applied) prints.note(text, whole);
  return applied;
}

struct WholeTable {
  std::string name;
  Family family;
  std::string ref;   // "ip name", as it stands in the text
  std::string text;  // that makes it anew
};

// The text for a table of another name.
std::string text_for(const WholeTable& table, const std::string& name) {
  std::string wanted = table.ref;
  wanted.replace(wanted.size() - table.name.size(), table.name.size(), name);
  std::string out;
  size_t from = 0;
  for (size_t at = table.text.find(table.ref); at != std::string::npos;
       at = table.text.find(table.ref, from)) {
    out.append(table.text, from, at - from).append(wanted);
    from = at + table.ref.size();
  }
  return out.append(table.text, from);
}

// While a transaction replaces a table, the kernel empties the chains of the old one before it
// fills those of the new one: some microseconds long, or as long as it is interrupted, connections
// pass neither. A stand-in of the same rules takes them meanwhile.
Result<std::string> replace_table(const WholeTable& table, NftCustody& custody,
                                  RulePrints& prints) {
  TIPHYS_TRY(std::optional<uint32_t>, flags, nft_table_flags(table.name, table.family));
  auto make = [&] { return apply_text(table.text, prints, true); };
  std::string stand_in = stand_in_of(table.name);
  if (!flags) {
    // One that a process left which was killed would go on without its table.
    Result<void> gone = nft_remove_table(stand_in, table.family);
    if (!gone) return gone.error();
    return run(custody, make);
  }
  TIPHYS_TRY(std::string, standing,
             run(custody, [&] { return os::nft_apply(text_for(table, stand_in)); }));
  Result<std::string> seen = run(custody, make);
  Result<std::string> gone = run(custody, [&] { return nft_remove_table(stand_in, table.family); });
  return gone ? seen : gone;
}

class NftBackend : public Backend {
 public:
  NftBackend(const Settings& settings, Family family, std::shared_ptr<NftCustody> custody)
      : rules_(settings, family),
        custody_(std::move(custody)),
        prints_(std::make_shared<RulePrints>(settings.table, family)) {}

  Family family() const override { return rules_.family(); }
  void set(const std::string& service, const ServiceFacts* facts,
           std::span<const SliceFacts> slices, const NodeFacts& node) override {
    if (facts == nullptr) return rules_.erase(service);
    rules_.set(service,
               build_service_rules(*facts, slices, node, rules_.settings(), rules_.family()));
  }
  bool empty() const override { return rules_.services().empty(); }
  Transaction take(bool full, const NodeFacts& node) override {
    Changes changes = full ? rules_.take_full(node) : rules_.take_changes();
    filled_.apply(changes, full);
    return full ? make_anew(changes) : by_netlink_or_nft(changes);
  }
  Look look() const override {
    return [table = rules_.settings().table, family = rules_.family(),
            custody = custody_]() -> Result<std::string> {
      TIPHYS_TRY(std::optional<uint32_t>, flags, nft_table_flags(table, family));
      TIPHYS_TRY(uint64_t, strangers, custody->strangers());
      return flags ? std::to_string(strangers) : "";
    };
  }
  Look audit(const NodeFacts& node) const override {
    return [table = rules_.settings().table, family = rules_.family(), frame = rules_.frame(node),
            filled = filled_, prints = prints_]() -> Result<std::string> {
      TIPHYS_TRY(TableContents, now, read_contents(table, family));
      TableContents wanted = wanted_contents(frame);
      filled.add_to(wanted);
      prints->add_to(wanted);
      return difference(now, wanted);
    };
  }
  std::string title() const override { return "nftables table " + rules_.settings().table; }

 private:
  std::string table_ref() const { return proxy::table_ref(rules_.settings(), family()); }
  Transaction transaction(size_t bytes, std::function<Result<void>()> apply) const {
    return {
        bytes, [custody = custody_, apply = std::move(apply)] { return run(*custody, apply); }, {}};
  }
  Transaction by_nft(const Changes& changes) const {
    std::string text = changes.text(table_ref());
    size_t bytes = text.size();
    return transaction(bytes, [text = std::move(text), prints = prints_] {
      return apply_text(text, *prints, false);
    });
  }
  Transaction by_netlink_or_nft(const Changes& changes) const {
    if (changes.empty()) return {};
    std::optional<ElementBatch> batch = element_batch(rules_.settings().table, family(), changes);
    if (!batch) return by_nft(changes);
    size_t bytes = batch->bytes;
    return transaction(bytes, [batch = std::move(*batch)] { return apply_elements(batch); });
  }
  Transaction make_anew(const Changes& whole) const;

  RuleSet rules_;
  FilledSets filled_;  // by transactions taken
  std::shared_ptr<NftCustody> custody_;
  std::shared_ptr<RulePrints> prints_;  // used on the pool only
};

Backend::Transaction NftBackend::make_anew(const Changes& whole) const {
  WholeTable table{rules_.settings().table, family(), table_ref(), whole.text(table_ref())};
  size_t bytes = table.text.size();
  return {bytes,
          [table = std::move(table), custody = custody_, prints = prints_] {
            return replace_table(table, *custody, *prints);
          },
          {}};
}

}  // namespace

std::string stand_in_of(const std::string& table) { return table + "-stand-in"; }

std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family,
                                          std::shared_ptr<NftCustody> custody) {
  return std::make_unique<NftBackend>(settings, family, std::move(custody));
}

}  // namespace tiphys::proxy
