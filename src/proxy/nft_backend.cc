#include "proxy/nft_backend.h"

#include "proxy/base_rules.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"
#include "proxy/rule_set.h"
#include "proxy/table_contents.h"

namespace tiphys::proxy {
namespace {

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
    return full ? by_nft(changes, true) : by_netlink_or_nft(changes);
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
  Transaction transaction(size_t bytes, std::function<Result<void>()> apply) const {
    return {
        bytes, [custody = custody_, apply = std::move(apply)] { return custody->run(apply); }, {}};
  }
  // whole: it makes the table.
  Transaction by_nft(const Changes& changes, bool whole) const {
    std::string text = changes.text(table_ref(rules_.settings(), family()));
    size_t bytes = text.size();
    return transaction(bytes, [text = std::move(text), whole, prints = prints_] {
      Result<void> applied = os::nft_apply(text);
      if (applied) prints->note(text, whole);
      return applied;
    });
  }
  Transaction by_netlink_or_nft(const Changes& changes) const {
    if (changes.empty()) return {};
    std::optional<ElementBatch> batch = element_batch(rules_.settings().table, family(), changes);
    if (!batch) return by_nft(changes, false);
    size_t bytes = batch->bytes;
    return transaction(bytes, [batch = std::move(*batch)] { return apply_elements(batch); });
  }

  RuleSet rules_;
  FilledSets filled_;  // by transactions taken
  std::shared_ptr<NftCustody> custody_;
  std::shared_ptr<RulePrints> prints_;  // used on the pool only
};

}  // namespace

std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family,
                                          std::shared_ptr<NftCustody> custody) {
  return std::make_unique<NftBackend>(settings, family, std::move(custody));
}

}  // namespace tiphys::proxy
