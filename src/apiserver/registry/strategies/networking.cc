// Strategies of networking kinds. Upstream: pkg/registry/networking.
#include "apiserver/registry/strategies/builtin.h"
#include "base/strings.h"
#include "kinds/networking_v1.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";

void warn_about_ingress(const StrategyContext& context, const Object& object,
                        std::vector<std::string>& warnings) {
  networking_v1::Ingress ingress(object);
  bool annotated = ingress.metadata().annotations().contains(kClassAnnotation);
  if (context.updating || !annotated || ingress.spec().has_ingress_class_name()) return;
  warnings.push_back("annotation " + go_quote(kClassAnnotation) +
                     " is deprecated, please use 'spec.ingressClassName' instead");
}

}  // namespace

Strategy ingress_strategy() { return {.warnings = warn_about_ingress}; }

}  // namespace tiphys::apiserver
