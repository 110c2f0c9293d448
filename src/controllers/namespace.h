// NamespaceController: empties namespaces that are being deleted, then lets them go.
//
// It asks the server what is there, as the objects of every resource need not be in caches: first
// which resources there are. If that is not known of some, the namespace stays. The
// conditions of the namespace's status say what is left. The finalizer "kubernetes" in its spec
// is removed when nothing is left.
// Source: k8s.io/kubernetes pkg/controller/namespace/deletion.
#pragma once
#include <map>
#include <string>

#include "client/untyped_resource.h"
#include "controllers/controller.h"

namespace tiphys::controllers {

// What deleting the content of a namespace came to.
struct NamespaceContent {
  std::map<std::string, int64_t> remaining;   // "pods." -> how many objects are left
  std::map<std::string, int64_t> finalizers;  // finalizer -> objects that wait for it
  std::vector<std::string> failures;          // of deleting
  std::string undiscovered;                   // why not all resources are known
  std::string malformed;                      // group versions that are none
  Duration estimate = Duration::zero();       // how long what is left takes
  int64_t pods_to_wait_for = 0;               // nothing else goes before them
  bool empty() const { return remaining.empty() && problem().empty(); }
  // What makes it come again with back-off; "" for nothing.
  std::string problem() const;
};

// The namespace with its deletion conditions, or null if it has them already. Pure.
ObjectPtr with_deletion_conditions(const Object& ns, const NamespaceContent& content,
                                   MicroTime now);

class NamespaceController : public Controller {
 public:
  explicit NamespaceController(Context context);

 protected:
  Decision reconcile(const std::string& key, MicroTime now) override { return {}; }
  Task<Result<void>> sync(std::string key) override;

 private:
  using Resources = std::vector<std::unique_ptr<client::UntypedResource>>;
  Task<Resources> content_resources(NamespaceContent* content);
  Task<void> delete_each(const schema::Resource& resource, std::string name,
                         std::vector<ObjectPtr> items, NamespaceContent* content);
  Task<Result<void>> empty_namespace(std::string name, NamespaceContent* content);
  Task<Result<void>> empty_resource(const schema::Resource& resource, std::string name,
                                    NamespaceContent* content);
  Task<Result<void>> report(ObjectPtr ns, NamespaceContent content);
  Task<Result<void>> finalize(std::string name);

  client::Discovery discovery_;
  client::Informer& namespaces_;
  std::unordered_map<std::string, int> rounds_;  // of namespaces that are being emptied
};

}  // namespace tiphys::controllers
