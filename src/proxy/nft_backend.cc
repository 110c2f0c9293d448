#include "proxy/nft_backend.h"

#include "proxy/nft.h"
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
    std::string text = full ? rules_.take_full(node) : rules_.take_transaction();
    if (text.empty()) return {};
    size_t bytes = text.size();
    return {bytes, [text = std::move(text)] { return nft_apply(text); }};
  }
  Look look() const override {
    return [table = rules_.settings().table, family = rules_.family()]() -> Result<std::string> {
      TIPHYS_TRY(std::optional<uint32_t>, use, nft_table_use(table, family));
      return use ? std::to_string(*use) : "";
    };
  }
  std::string title() const override { return "nftables table " + rules_.settings().table; }

 private:
  RuleSet rules_;
};

}  // namespace

std::unique_ptr<Backend> make_nft_backend(const Settings& settings, Family family) {
  return std::make_unique<NftBackend>(settings, family);
}

}  // namespace tiphys::proxy
