#include "proxy/nft_backend.h"

#include "proxy/base_rules.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"
#include "proxy/rule_set.h"

namespace tiphys::proxy {
namespace {

class NftBackend : public Backend {
 public:
  NftBackend(const Settings& settings, Family family) : rules_(settings, family) {}

  Family family() const override { return rules_.family(); }
  void set(const std::string& service, const ServiceFacts* facts,
           std::span<const SliceFacts> slices, const NodeFacts& node) override {
    if (facts == nullptr) return rules_.erase(service);
    rules_.set(service,
               build_service_rules(*facts, slices, node, rules_.settings(), rules_.family()));
  }
  bool empty() const override { return rules_.services().empty(); }
  Transaction take(bool full, const NodeFacts& node) override {
    return full ? by_nft(rules_.take_full(node)) : by_netlink_or_nft(rules_.take_changes());
  }
  Look look() const override {
    return [table = rules_.settings().table, family = rules_.family()]() -> Result<std::string> {
      TIPHYS_TRY(std::optional<uint32_t>, use, nft_table_use(table, family));
      return use ? std::to_string(*use) : "";
    };
  }
  std::string title() const override { return "nftables table " + rules_.settings().table; }

 private:
  static Transaction by_nft(std::string text) {
    if (text.empty()) return {};
    size_t bytes = text.size();
    return {bytes, [text = std::move(text)] { return nft_apply(text); }, {}};
  }
  Transaction by_netlink_or_nft(const Changes& changes) const {
    const std::string& table = rules_.settings().table;
    std::optional<ElementBatch> batch = element_batch(table, family(), changes);
    if (!batch) return by_nft(changes.text(table_ref(rules_.settings(), family())));
    size_t bytes = batch->bytes;
    return {bytes, [batch = std::move(*batch)] { return apply_elements(batch); }, {}};
  }

  RuleSet rules_;
};

}  // namespace

std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family) {
  return std::make_unique<NftBackend>(settings, family);
}

}  // namespace tiphys::proxy
