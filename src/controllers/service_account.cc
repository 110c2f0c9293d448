#include "controllers/service_account.h"

#include "controllers/resources.h"
#include "kinds/core_v1.h"

namespace tiphys::controllers {

namespace {

constexpr std::string_view kDefaultAccount = "default";
constexpr std::string_view kRootCa = "kube-root-ca.crt";
constexpr std::string_view kDescription =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal "
    "endpoints such as the internal service IP or kubernetes.default.svc. No other usage is "
    "guaranteed across distributions of Kubernetes clusters.";

bool takes_objects(const ObjectPtr& ns) {
  return ns && !metadata(*ns).has_deletion_timestamp() &&
         core_v1::Namespace(*ns).status().phase() != "Terminating";
}

}  // namespace

ServiceAccountController::ServiceAccountController(Context context)
    : Controller(context, "serviceaccount-controller", 1),
      namespaces_(watch(namespaces())),
      accounts_(watch(service_accounts())) {
  enqueue_changes(namespaces_);
  accounts_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    if (now || metadata(*old).name() != kDefaultAccount) return;
    enqueue(std::string(metadata(*old).namespace_()));
  });
}

Decision ServiceAccountController::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  if (!takes_objects(namespaces_.get("", key))) return decision;
  if (accounts_.get(key, kDefaultAccount)) return decision;
  Draft draft = core_v1::ServiceAccount::make();
  edit_metadata(draft).set_name(kDefaultAccount);
  edit_metadata(draft).set_namespace(key);
  Action action = create_action(service_accounts(), draft.freeze());
  action.exists_is_fine = true;
  decision.add(std::move(action));
  return decision;
}

RootCaPublisher::RootCaPublisher(Context context, std::string root_ca_pem)
    : Controller(context, "root-ca-certificate-publisher-controller", 1),
      root_ca_pem_(std::move(root_ca_pem)),
      namespaces_(watch(namespaces())),
      config_maps_(watch(config_maps())) {
  enqueue_changes(namespaces_);
  config_maps_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    const Object& object = now ? *now : *old;
    if (metadata(object).name() == kRootCa) enqueue(std::string(metadata(object).namespace_()));
  });
}

Decision RootCaPublisher::reconcile(const std::string& key, MicroTime now) {
  Decision decision;
  if (!takes_objects(namespaces_.get("", key))) return decision;
  ObjectPtr known = config_maps_.get(key, kRootCa);
  if (known) {
    core_v1::ConfigMap map(*known);
    bool same = map.data().size() == 1 && map.data().find("ca.crt") == root_ca_pem_ &&
                !map.metadata().annotations().find("kubernetes.io/description").empty();
    if (same) return decision;
  }
  Draft draft = known ? Draft(*known) : core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit map(draft);
  map.edit_metadata().set_name(kRootCa);
  map.edit_metadata().set_namespace(key);
  map.edit_metadata().edit_annotations().set("kubernetes.io/description", kDescription);
  map.clear_data();
  map.edit_data().set("ca.crt", root_ca_pem_);
  Action action = known ? update_action(config_maps(), draft.freeze())
                        : create_action(config_maps(), draft.freeze());
  action.exists_is_fine = true;
  decision.add(std::move(action));
  return decision;
}

void RootCaPublisher::round_over(const std::string& key, Duration took, const ApiStatus* error) {
  std::string code = std::to_string(error ? error->code() : 200);
  context_.metrics.root_ca_syncs.with({code}).add();
  context_.metrics.root_ca_duration.with({code}).observe(
      std::chrono::duration<double>(took).count());
}

}  // namespace tiphys::controllers
