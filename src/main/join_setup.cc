#include "main/join_setup.h"

#include "base/strings.h"
#include "kinds/core_v1.h"
#include "main/bootstrap_policy.h"

namespace tiphys {

const std::string_view kJoinPolicyJson = R"({
  "clusterRoles": [
    {"name": "kubeadm:get-nodes", "rules": [
      {"verbs": "get", "groups": "core", "resources": "nodes"}]}],
  "clusterRoleBindings": [
    {"name": "kubeadm:kubelet-bootstrap", "role": "system:node-bootstrapper",
     "subjects": ["Group:system:bootstrappers:kubeadm:default-node-token"]},
    {"name": "kubeadm:get-nodes", "role": "kubeadm:get-nodes",
     "subjects": ["Group:system:bootstrappers:kubeadm:default-node-token"]},
    {"name": "kubeadm:node-autoapprove-bootstrap",
     "role": "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
     "subjects": ["Group:system:bootstrappers:kubeadm:default-node-token"]},
    {"name": "kubeadm:node-autoapprove-certificate-rotation",
     "role": "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
     "subjects": ["Group:system:nodes"]},
    {"name": "tiphys:node-network", "role": "system:node-proxier",
     "subjects": ["Group:system:nodes"]}],
  "roles": [
    {"namespace": "kube-public", "name": "kubeadm:bootstrap-signer-clusterinfo", "rules": [
      {"verbs": "get", "groups": "core", "resources": "configmaps", "names": "cluster-info"}]}],
  "roleBindings": [
    {"namespace": "kube-public", "name": "kubeadm:bootstrap-signer-clusterinfo",
     "role": "kubeadm:bootstrap-signer-clusterinfo", "subjects": ["User:system:anonymous"]}]
})";

namespace {

constexpr const char* kNamespace = "kube-public";
constexpr const char* kName = "cluster-info";

std::string cluster_kubeconfig(const std::string& url, const std::string& ca_pem) {
  return "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: " +
         base64_encode(ca_pem) + "\n    server: " + url +
         "\n  name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n";
}

}  // namespace

Task<Result<void>> set_up_joining(apiserver::ApiServer& server, std::string url,
                                  std::string ca_pem) {
  Result<void> policy = co_await install_policy(server, kJoinPolicyJson);
  if (!policy) co_return policy;
  std::string text = cluster_kubeconfig(url, ca_pem);
  ObjectPtr present = server.lookup().get("", "configmaps", kNamespace, kName);
  if (present && core_v1::ConfigMap(*present).data().find("kubeconfig") == text) {
    co_return Result<void>();
  }
  Draft draft = present ? Draft(*present) : core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit edit(draft);
  edit.edit_metadata().set_name(kName);
  edit.edit_metadata().set_namespace(kNamespace);
  edit.edit_data().set("kubeconfig", text);
  Result<ObjectPtr> written = co_await server.put(*schema::find_resource("", "v1", "configmaps"),
                                                  std::string(kNamespace), std::move(draft));
  if (!written) co_return written.error();
  co_return Result<void>();
}

}  // namespace tiphys
