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
      {"verbs": "get", "groups": "core", "resources": "configmaps", "names": "cluster-info"}]},
    {"namespace": "kube-system", "name": "kubeadm:kubelet-config", "rules": [
      {"verbs": "get", "groups": "core", "resources": "configmaps", "names": "kubelet-config"}]},
    {"namespace": "kube-system", "name": "kubeadm:nodes-kubeadm-config", "rules": [
      {"verbs": "get", "groups": "core", "resources": "configmaps", "names": "kubeadm-config"}]}],
  "roleBindings": [
    {"namespace": "kube-public", "name": "kubeadm:bootstrap-signer-clusterinfo",
     "role": "kubeadm:bootstrap-signer-clusterinfo", "subjects": ["User:system:anonymous"]},
    {"namespace": "kube-system", "name": "kubeadm:kubelet-config",
     "role": "kubeadm:kubelet-config",
     "subjects": ["Group:system:nodes", "Group:system:bootstrappers:kubeadm:default-node-token"]},
    {"namespace": "kube-system", "name": "kubeadm:nodes-kubeadm-config",
     "role": "kubeadm:nodes-kubeadm-config",
     "subjects": ["Group:system:bootstrappers:kubeadm:default-node-token", "Group:system:nodes"]}]
})";

namespace {

std::string cluster_kubeconfig(const std::string& url, const std::string& ca_pem) {
  return "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: " +
         base64_encode(ca_pem) + "\n    server: " + url +
         "\n  name: \"\"\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n";
}

// A ConfigMap's one text.
struct Text {
  std::string_view ns;
  std::string_view name;
  std::string_view key;
};

std::string present_text(apiserver::ApiServer& server, const Text& what) {
  ObjectPtr present = server.lookup().get("", "configmaps", what.ns, what.name);
  return present ? std::string(core_v1::ConfigMap(*present).data().find(what.key)) : "";
}

Task<Result<void>> put_text(apiserver::ApiServer& server, Text what, std::string text) {
  ObjectPtr present = server.lookup().get("", "configmaps", what.ns, what.name);
  Draft draft = present ? Draft(*present) : core_v1::ConfigMap::make();
  core_v1::ConfigMapEdit edit(draft);
  edit.edit_metadata().set_name(what.name);
  edit.edit_metadata().set_namespace(what.ns);
  edit.edit_data().set(what.key, text);
  Result<ObjectPtr> written = co_await server.put(*schema::find_resource("", "v1", "configmaps"),
                                                  std::string(what.ns), std::move(draft));
  if (!written) co_return written.error();
  co_return Result<void>();
}

// Whether the text says what the document would.
bool says_the_same(const ClusterDocument& document, std::string_view text,
                   const ClusterConfig& config) {
  ClusterConfig present;
  ClusterConfig wanted;
  return document.read(text, present) && document.read(document.write(config), wanted) &&
         present == wanted;
}

Task<Result<void>> publish(apiserver::ApiServer& server, ClusterConfig config) {
  for (const ClusterDocument& document : kClusterDocuments) {
    Text where{"kube-system", document.config_map, document.key};
    if (says_the_same(document, present_text(server, where), config)) continue;
    Result<void> put = co_await put_text(server, where, document.write(config));
    if (!put) co_return put;
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> set_up_joining(apiserver::ApiServer& server, std::string url, std::string ca_pem,
                                  ClusterConfig config) {
  Result<void> done = co_await install_policy(server, kJoinPolicyJson);
  if (!done) co_return done;
  Text info{"kube-public", "cluster-info", "kubeconfig"};
  std::string text = cluster_kubeconfig(url, ca_pem);
  if (present_text(server, info) != text) done = co_await put_text(server, info, text);
  if (done) done = co_await publish(server, std::move(config));
  co_return done;
}

}  // namespace tiphys
