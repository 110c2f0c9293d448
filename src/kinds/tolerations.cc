#include "kinds/tolerations.h"

namespace tiphys {

bool tolerates(const core_v1::Toleration& toleration, const core_v1::Taint& taint) {
  if (!toleration.effect().empty() && toleration.effect() != taint.effect()) return false;
  if (!toleration.key().empty() && toleration.key() != taint.key()) return false;
  std::string_view op = toleration.operator_();
  if (op == "Exists") return true;
  return (op.empty() || op == "Equal") && toleration.value() == taint.value();
}

std::optional<core_v1::Toleration> find_toleration(const ListView<core_v1::Toleration>& tolerations,
                                                   const core_v1::Taint& taint) {
  for (core_v1::Toleration toleration : tolerations) {
    if (tolerates(toleration, taint)) return toleration;
  }
  return std::nullopt;
}

}  // namespace tiphys
