#include "apiserver/authn/token_uses.h"

#include <string_view>
#include <utility>

namespace tiphys::apiserver {

std::string metrics_text(const TokenUses& uses) {
  std::pair<std::string_view, uint64_t> counters[] = {
      {"serviceaccount_invalid_legacy_auto_token_uses_total", uses.legacy_invalid},
      {"serviceaccount_legacy_auto_token_uses_total", uses.legacy_auto},
      {"serviceaccount_legacy_manual_token_uses_total", uses.legacy_manual},
      {"serviceaccount_legacy_tokens_total", uses.legacy},
      {"serviceaccount_stale_tokens_total", uses.stale},
      {"serviceaccount_valid_tokens_total", uses.valid}};
  std::string out;
  for (const auto& [name, value] : counters) {
    out.append("# TYPE ").append(name).append(" counter\n");
    out.append(name).append(" ").append(std::to_string(value)).append("\n");
  }
  return out;
}

}  // namespace tiphys::apiserver
