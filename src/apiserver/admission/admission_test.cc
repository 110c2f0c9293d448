#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/admission/node_labels.h"
#include "apiserver/admission/node_restriction.h"
#include "apiserver/admission/plugins.h"
#include "apiserver/authz/modes.h"
#include "apiserver/memory_lookup.h"
#include "async/sim_loop.h"
#include "base/strings.h"
#include "crypto/csr.h"
#include "kinds/authentication_v1.h"
#include "kinds/core_v1.h"
#include "kinds/metadata.h"

namespace tiphys::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Operation = AdmissionRequest::Operation;

class AdmissionTest : public testing::Test {
 protected:
  AdmissionTest() {
    lookup_.put("{apiVersion: v1, kind: Namespace, metadata: {name: a}}");
    lookup_.put("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: a}}");
    lookup_.put("{apiVersion: v1, kind: Node, metadata: {name: n1, uid: node-uid}}");
    user_.name = "jane";
    make_chain({}, {});
  }
  void make_chain(const std::vector<std::string>& enabled,
                  const std::vector<std::string>& disabled) {
    chain_ = std::move(
        *make_admission({&loop_, &lookup_, &random_, &authorizer_, &rbac_}, enabled, disabled));
  }
  static Draft draft(const std::string& yaml) {
    auto result = codec::decode_object(codec::Format::kYaml, yaml, nullptr, nullptr);
    EXPECT_TRUE(result) << result.error().message();
    return std::move(*result);
  }
  // Runs the chain; "" if it was admitted, else the message. The object ends up in object_.
  std::string admit(Operation operation, const std::string& yaml, const std::string& old = "",
                    const std::string& subresource = "") {
    object_.emplace(draft(yaml));
    const GroupVersionKind& gvk = *object_->gvk();
    auto metadata = meta();
    AdmissionRequest request;
    request.operation = operation;
    request.resource = schema::find_resource_of_kind(gvk.group, gvk.version, gvk.kind);
    request.subresource = subresource;
    request.ns = metadata.namespace_();
    request.name = metadata.name();
    request.user = &user_;
    if (operation != Operation::kDelete) request.object = &*object_;
    if (!old.empty()) request.old_object = draft(old).freeze();
    if (operation == Operation::kDelete) request.old_object = object_->freeze();
    request.now = loop_.wall();
    std::string message;
    for (int phase = 0; phase < 2; phase++) {
      for (auto& plugin : chain_) {
        auto done = loop_.run(phase == 0 ? plugin->mutate(request) : plugin->validate(request));
        if (!done) {
          last_ = done.error();
          return done.error().message();
        }
      }
    }
    return "";
  }
  std::string create(const std::string& yaml) { return admit(Operation::kCreate, yaml); }
  meta_v1::ObjectMeta meta() const {
    auto field = static_cast<uint16_t>(object_->type().metadata_field);
    return meta_v1::ObjectMeta(object_->root().field(field).as_node());
  }
  core_v1::PodSpec pod() const { return core_v1::Pod(*object_).spec(); }
  static std::string pod_yaml(const std::string& spec = "", const std::string& metadata = "") {
    return "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: a" + metadata +
           "}, spec: {containers: [{name: c, image: i}]" + spec + "}}";
  }
  void be_node(const std::string& name) {
    user_ = {.name = "system:node:" + name, .uid = "", .groups = {"system:nodes"}, .extra = {}};
  }

  SimLoop loop_;
  SeededRandom random_{7};
  MemoryLookup lookup_;
  AlwaysDeny authorizer_;
  RbacAuthorizer rbac_{lookup_};
  UserInfo user_;
  std::vector<std::unique_ptr<AdmissionPlugin>> chain_;
  std::optional<Draft> object_;
  std::optional<ApiStatus> last_;
};

TEST_F(AdmissionTest, NamespaceMustExistAndLive) {
  EXPECT_EQ(create("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: nope}}"),
            "namespaces \"nope\" not found");
  lookup_.put(
      "{apiVersion: v1, kind: Namespace, metadata: {name: dying}, "
      "status: {phase: Terminating}}");
  std::string config = "{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: dying}}";
  EXPECT_EQ(
      create(config),
      "configmaps \"x\" is forbidden: unable to create new content in namespace dying because "
      "it is being terminated");
  EXPECT_EQ(last_->data().details.causes.at(0).reason, "NamespaceTerminating");
  EXPECT_EQ(admit(Operation::kUpdate, config, config), "");
  EXPECT_EQ(admit(Operation::kDelete, config), "");
}

TEST_F(AdmissionTest, FirstNamespacesStay) {
  EXPECT_EQ(
      admit(Operation::kDelete, "{apiVersion: v1, kind: Namespace, metadata: {name: default}}"),
      "namespaces \"default\" is forbidden: this namespace may not be deleted");
  EXPECT_EQ(admit(Operation::kDelete, "{apiVersion: v1, kind: Namespace, metadata: {name: a}}"),
            "");
}

TEST_F(AdmissionTest, PodGetsItsServiceAccount) {
  ASSERT_EQ(create(pod_yaml(", initContainers: [{name: i, image: i}]")), "");
  EXPECT_EQ(pod().service_account_name(), "default");
  EXPECT_EQ(pod().service_account(), "default");
  ASSERT_EQ(pod().volumes().size(), 1u);
  auto volume = pod().volumes()[0];
  EXPECT_THAT(std::string(volume.name()), testing::MatchesRegex("kube-api-access-[a-z0-9]{5}"));
  EXPECT_EQ(volume.projected().default_mode(), 0644);
  auto sources = volume.projected().sources();
  EXPECT_EQ(sources[0].service_account_token().expiration_seconds(), 3607);
  EXPECT_EQ(sources[0].service_account_token().path(), "token");
  EXPECT_EQ(sources[1].config_map().name(), "kube-root-ca.crt");
  EXPECT_EQ(sources[2].downward_api().items()[0].field_ref().field_path(), "metadata.namespace");
  for (const auto& mounts :
       {pod().containers()[0].volume_mounts(), pod().init_containers()[0].volume_mounts()}) {
    ASSERT_EQ(mounts.size(), 1u);
    EXPECT_EQ(mounts[0].name(), volume.name());
    EXPECT_TRUE(mounts[0].read_only());
    EXPECT_EQ(mounts[0].mount_path(), "/var/run/secrets/kubernetes.io/serviceaccount");
  }
}

TEST_F(AdmissionTest, TokenIsNotMountedWhereUnwanted) {
  ASSERT_EQ(create(pod_yaml(", automountServiceAccountToken: false")), "");
  EXPECT_TRUE(pod().volumes().empty());
  lookup_.put(
      "{apiVersion: v1, kind: ServiceAccount, metadata: {name: quiet, namespace: a}, "
      "automountServiceAccountToken: false, imagePullSecrets: [{name: s}]}");
  ASSERT_EQ(create(pod_yaml(", serviceAccountName: quiet")), "");
  EXPECT_TRUE(pod().volumes().empty());
  EXPECT_EQ(pod().image_pull_secrets()[0].name(), "s");
  ASSERT_EQ(create(pod_yaml(", serviceAccountName: quiet, automountServiceAccountToken: true")),
            "");
  EXPECT_EQ(pod().volumes().size(), 1u);
}

TEST_F(AdmissionTest, MissingServiceAccountIsNamed) {
  EXPECT_EQ(create(pod_yaml(", serviceAccountName: x")),
            "pods \"p\" is forbidden: error looking up service account a/x: serviceaccount \"x\" "
            "not found");
}

TEST_F(AdmissionTest, WaitsForTheDefaultAccountOfANewNamespace) {
  lookup_.remove("", "serviceaccounts", "a", "default");
  loop_.call_after(std::chrono::milliseconds(300), [&] {
    lookup_.put("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: a}}");
  });
  EXPECT_EQ(create(pod_yaml()), "");
  lookup_.remove("", "serviceaccounts", "a", "default");
  EXPECT_THAT(create(pod_yaml()), HasSubstr("error looking up service account a/default"));
}

TEST_F(AdmissionTest, cve_2023_2728_and_2024_3177) {
  lookup_.put(
      "{apiVersion: v1, kind: ServiceAccount, metadata: {name: strict, namespace: a, "
      "annotations: {kubernetes.io/enforce-mountable-secrets: 'true'}}, "
      "secrets: [{name: mine}]}");
  std::string base = ", serviceAccountName: strict";
  EXPECT_EQ(create(pod_yaml(base + ", volumes: [{name: v, secret: {secretName: mine}}]")), "");
  EXPECT_THAT(create(pod_yaml(base + ", volumes: [{name: v, secret: {secretName: other}}]")),
              HasSubstr("volume with secret.secretName=\"other\" is not allowed because service "
                        "account strict does not reference that secret"));
  EXPECT_THAT(create(pod_yaml(base + ", initContainers: [{name: i, image: i, envFrom: "
                                     "[{secretRef: {name: other}}]}]")),
              HasSubstr("init container i with envFrom referencing secret.secretName=\"other\""));
  std::string old = pod_yaml(base);
  std::string now = pod_yaml(base +
                             ", ephemeralContainers: [{name: e, image: i, envFrom: "
                             "[{secretRef: {name: other}}]}]");
  EXPECT_THAT(admit(Operation::kUpdate, now, old, "ephemeralcontainers"),
              HasSubstr("ephemeral container e with envFrom referencing"));
}

TEST_F(AdmissionTest, PluginsCanBeLeftOut) {
  make_chain({}, {"ServiceAccount", "Priority"});
  ASSERT_EQ(create(pod_yaml()), "");
  EXPECT_FALSE(pod().has_service_account_name());
  EXPECT_FALSE(pod().has_priority());
  AdmissionParts parts{&loop_, &lookup_, &random_, &authorizer_, &rbac_};
  EXPECT_EQ(make_admission(parts, {"X"}, {}).error().message(),
            "enable-admission-plugins plugin \"X\" is unknown");
  EXPECT_THAT(make_admission(parts, {"EventRateLimit"}, {}).error().message(),
              HasSubstr("is not there yet"));
  EXPECT_THAT(make_admission(parts, {"Priority"}, {"Priority"}).error().message(),
              HasSubstr("overlapped"));
}

TEST_F(AdmissionTest, Priority) {
  ASSERT_EQ(create(pod_yaml()), "");
  EXPECT_TRUE(pod().has_priority());
  EXPECT_EQ(pod().priority(), 0);
  EXPECT_EQ(pod().preemption_policy(), "PreemptLowerPriority");
  EXPECT_EQ(create(pod_yaml(", priorityClassName: high")),
            "pods \"p\" is forbidden: no PriorityClass with name high was found");
  lookup_.put(
      "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, "
      "value: 1000, preemptionPolicy: Never, globalDefault: true}");
  ASSERT_EQ(create(pod_yaml()), "");
  EXPECT_EQ(pod().priority_class_name(), "high");
  EXPECT_EQ(pod().priority(), 1000);
  EXPECT_EQ(pod().preemption_policy(), "Never");
  EXPECT_EQ(
      create(pod_yaml(", priority: 5")),
      "pods \"p\" is forbidden: the integer value of priority (5) must not be provided in pod "
      "spec; priority admission controller computed 1000 from the given PriorityClass name");
  EXPECT_EQ(create("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: b}, "
                   "value: 1, globalDefault: true}"),
            "priorityclasses.scheduling.k8s.io \"b\" is forbidden: PriorityClass high is already "
            "marked as default. Only one default can exist");
}

TEST_F(AdmissionTest, LimitRanges) {
  auto put = [&](const std::string& item) {
    lookup_.put(
        "{apiVersion: v1, kind: LimitRange, metadata: {name: lr, namespace: a}, spec: "
        "{limits: [{" +
        item + "}]}}");
  };
  auto with = [&](const std::string& resources) {
    std::string yaml = pod_yaml();
    return yaml.replace(yaml.find("image: i"), 8, "image: i, resources: {" + resources + "}");
  };
  put("type: Container, default: {cpu: 500m, memory: 100Mi}, defaultRequest: {cpu: 100m}");
  ASSERT_EQ(create(with("requests: {cpu: 50m}")), "");
  EXPECT_EQ(pod().containers()[0].resources().limits().find("cpu"), "500m");
  EXPECT_EQ(pod().containers()[0].resources().requests().find("cpu"), "50m");
  EXPECT_EQ(meta().annotations().find("kubernetes.io/limit-ranger"),
            "LimitRanger plugin set: cpu, memory limit for container c");
  put("type: Container, max: {cpu: 1}");
  EXPECT_EQ(create(with("limits: {cpu: 2}")),
            "pods \"p\" is forbidden: maximum cpu usage per Container is 1, but limit is 2");
  put("type: Container, maxLimitRequestRatio: {cpu: 2}");
  EXPECT_EQ(create(with("limits: {cpu: 3}, requests: {cpu: 1}")),
            "pods \"p\" is forbidden: cpu max limit to request ratio per Container is 2, but "
            "provided ratio is 3.000000");
  EXPECT_EQ(create(pod_yaml()),
            "pods \"p\" is forbidden: cpu max limit to request ratio per Container is 2, but no "
            "request is specified or request is 0");
  put("type: Pod, max: {cpu: 1}");
  EXPECT_EQ(create(pod_yaml()),
            "pods \"p\" is forbidden: maximum cpu usage per Pod is 1.  No limit is specified");
}

TEST_F(AdmissionTest, TolerationsAndTaints) {
  ASSERT_EQ(create(pod_yaml(", tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, "
                            "effect: NoExecute, tolerationSeconds: 5}]")),
            "");
  ASSERT_EQ(pod().tolerations().size(), 2u);
  EXPECT_EQ(pod().tolerations()[1].key(), "node.kubernetes.io/unreachable");
  EXPECT_EQ(pod().tolerations()[1].toleration_seconds(), 300);
  ASSERT_EQ(create("{apiVersion: v1, kind: Node, metadata: {name: n9}}"), "");
  auto taints = core_v1::Node(*object_).spec().taints();
  ASSERT_EQ(taints.size(), 1u);
  EXPECT_EQ(taints[0].key(), "node.kubernetes.io/not-ready");
}

TEST_F(AdmissionTest, RuntimeClass) {
  EXPECT_EQ(create(pod_yaml(", runtimeClassName: golden-none")),
            "pods \"p\" is forbidden: pod rejected: RuntimeClass \"golden-none\" not found");
  lookup_.put(
      "{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: rc}, handler: h, "
      "overhead: {podFixed: {cpu: 100m}}, scheduling: {nodeSelector: {a: b}, "
      "tolerations: [{key: t, operator: Exists}]}}");
  ASSERT_EQ(create(pod_yaml(", runtimeClassName: rc")), "");
  EXPECT_EQ(pod().overhead().find("cpu"), "100m");
  EXPECT_EQ(pod().node_selector().find("a"), "b");
  EXPECT_EQ(pod().tolerations()[0].key(), "node.kubernetes.io/not-ready");
  EXPECT_EQ(create(pod_yaml(", runtimeClassName: rc, nodeSelector: {a: z}")),
            "pods \"p\" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[a] = b; "
            "pod.spec.nodeSelector[a] = z");
  EXPECT_EQ(create(pod_yaml(", runtimeClassName: rc, overhead: {cpu: 1}")),
            "pods \"p\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's "
            "defined Overhead");
}

TEST_F(AdmissionTest, ClaimsAndClasses) {
  lookup_.put(
      "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: fast, annotations: "
      "{storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: x}");
  ASSERT_EQ(
      create("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: a}}"),
      "");
  EXPECT_EQ(core_v1::PersistentVolumeClaim(*object_).spec().storage_class_name(), "fast");
  EXPECT_EQ(meta().finalizers()[0], "kubernetes.io/pvc-protection");
  ASSERT_EQ(
      create("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: a}, "
             "spec: {storageClassName: ''}}"),
      "");
  EXPECT_EQ(core_v1::PersistentVolumeClaim(*object_).spec().storage_class_name(), "");
}

TEST_F(AdmissionTest, NodeWritesOnlyItsOwn) {
  be_node("n1");
  std::string own = "{apiVersion: v1, kind: Node, metadata: {name: n1}}";
  EXPECT_EQ(admit(Operation::kUpdate, own, own), "");
  std::string other = "{apiVersion: v1, kind: Node, metadata: {name: n2}}";
  EXPECT_EQ(admit(Operation::kUpdate, other, other),
            "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
  EXPECT_THAT(
      create("{apiVersion: v1, kind: Node, metadata: {name: n1, labels: "
             "{node-restriction.kubernetes.io/x: z, kubernetes.io/hostname: n1}}}"),
      HasSubstr("is not allowed to set the following labels: node-restriction.kubernetes.io/x"));
  EXPECT_THAT(admit(Operation::kUpdate,
                    "{apiVersion: v1, kind: Node, metadata: {name: n1}, spec: {taints: [{key: k, "
                    "effect: NoSchedule}]}}",
                    own),
              HasSubstr("is not allowed to modify taints"));
  EXPECT_EQ(create("{apiVersion: coordination.k8s.io/v1, kind: Lease, "
                   "metadata: {name: n2, namespace: a}}"),
            "leases.coordination.k8s.io \"n2\" is forbidden: can only access leases in the "
            "\"kube-node-lease\" system namespace");
}

// A node must not let itself be deleted through an owner reference.
TEST_F(AdmissionTest, cve_2025_5187) {
  be_node("n1");
  std::string owned =
      "{apiVersion: v1, kind: Node, metadata: {name: n1, ownerReferences: "
      "[{apiVersion: v1, kind: Node, name: x, uid: z}]}}";
  EXPECT_THAT(
      admit(Operation::kUpdate, owned, "{apiVersion: v1, kind: Node, metadata: {name: n1}}"),
      HasSubstr("is not allowed to modify ownerReferences"));
  EXPECT_THAT(create(owned), HasSubstr("is not allowed to set ownerReferences"));
}

TEST_F(AdmissionTest, NodeMakesOnlyMirrorPods) {
  be_node("n1");
  EXPECT_EQ(
      create(pod_yaml(", nodeName: n1")),
      "pods \"p\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" annotation, "
      "node \"n1\" can only create mirror pods");
  std::string mirror =
      ", annotations: {kubernetes.io/config.mirror: h}, ownerReferences: "
      "[{apiVersion: v1, kind: Node, name: n1, uid: node-uid, controller: true}]";
  EXPECT_EQ(create(pod_yaml(", nodeName: n1", mirror)), "");
  EXPECT_THAT(create(pod_yaml(", nodeName: n2", mirror)), HasSubstr("spec.nodeName set to itself"));
  EXPECT_THAT(
      create(pod_yaml(", nodeName: n1, volumes: [{name: v, secret: {secretName: s}}]", mirror)),
      HasSubstr("a mirror pod may not reference secrets"));
  EXPECT_THAT(admit(Operation::kDelete, pod_yaml(", nodeName: n2")),
              HasSubstr("can only delete pods with spec.nodeName set to itself"));
}

// A node must not give itself devices, neither through a mirror pod nor through a pod's status.
TEST_F(AdmissionTest, cve_2025_4563) {
  be_node("n1");
  std::string mirror =
      ", annotations: {kubernetes.io/config.mirror: h}, ownerReferences: "
      "[{apiVersion: v1, kind: Node, name: n1, uid: node-uid, controller: true}]";
  std::string spec = ", nodeName: n1, resourceClaims: [{name: r, resourceClaimName: c}]";
  EXPECT_THAT(create(pod_yaml(spec, mirror)),
              HasSubstr("can not create pods that reference resourceclaims"));
  auto given = [&](const std::string& claim) {
    std::string pod = pod_yaml(spec);
    return pod.insert(pod.size() - 1,
                      ", status: {resourceClaimStatuses: [{name: r, "
                      "resourceClaimName: " +
                          claim + "}]}");
  };
  EXPECT_EQ(admit(Operation::kUpdate, given("mine"), given("mine"), "status"), "");
  EXPECT_THAT(admit(Operation::kUpdate, given("other"), given("mine"), "status"),
              HasSubstr("cannot update resource claim statuses"));
  EXPECT_THAT(admit(Operation::kUpdate, given("other"), pod_yaml(spec), "status"),
              HasSubstr("cannot update resource claim statuses"));
}

TEST_F(AdmissionTest, NodeGetsTokensOfItsPodsOnly) {
  be_node("n1");
  lookup_.put(
      "{apiVersion: v1, kind: Pod, metadata: {name: here, namespace: a, uid: u1}, "
      "spec: {nodeName: n1}}");
  lookup_.put(
      "{apiVersion: v1, kind: Pod, metadata: {name: there, namespace: a, uid: u2}, "
      "spec: {nodeName: n2}}");
  auto ask = [&](const std::string& reference) {
    Draft request = draft("{apiVersion: authentication.k8s.io/v1, kind: TokenRequest, spec: {" +
                          reference + "}}");
    auto done = check_node_token_request(user_, "a", "default", request, lookup_);
    return done ? "" : done.error().message();
  };
  EXPECT_EQ(ask("boundObjectRef: {apiVersion: v1, kind: Pod, name: here, uid: u1}"), "");
  EXPECT_THAT(ask(""), HasSubstr("node requested token not bound to a pod"));
  EXPECT_THAT(ask("boundObjectRef: {apiVersion: v1, kind: Pod, name: here}"),
              HasSubstr("without a uid"));
  EXPECT_THAT(ask("boundObjectRef: {apiVersion: v1, kind: Pod, name: there, uid: u2}"),
              HasSubstr("a pod scheduled on a different node"));
  EXPECT_THAT(ask("boundObjectRef: {apiVersion: v1, kind: Pod, name: here, uid: u2}"),
              HasSubstr("does not match the UID in record"));
}

TEST_F(AdmissionTest, GrantingMoreThanOneHasIsRefused) {
  std::string role =
      "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: r, "
      "namespace: a}, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}";
  EXPECT_THAT(create(role),
              HasSubstr("is attempting to grant RBAC permissions not currently held"));
  EXPECT_EQ(admit(Operation::kUpdate, role, role), "");
  std::string binding =
      "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: "
      "{name: b, namespace: a}, roleRef: {apiGroup: rbac.authorization.k8s.io, "
      "kind: Role, name: r}, subjects: [{kind: User, name: jane}]}";
  EXPECT_EQ(create(binding), "roles.rbac.authorization.k8s.io \"r\" not found");
  lookup_.put(role);
  EXPECT_THAT(create(binding),
              HasSubstr("rolebindings.rbac.authorization.k8s.io \"b\" is forbidden: "
                        "user \"jane\""));
  EXPECT_EQ(
      create("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: g}, "
             "aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}}"),
      "clusterroles.rbac.authorization.k8s.io \"g\" is forbidden: must have cluster-admin "
      "privileges to use the aggregationRule");
  user_.groups = {"system:masters"};
  EXPECT_EQ(create(role), "");
  EXPECT_EQ(create(binding), "");
}

TEST_F(AdmissionTest, Certificates) {
  auto key = *crypto::PrivateKey::generate();
  auto csr = [&](const std::string& group) {
    return base64_encode(crypto::SigningRequest::make({"x", {group}}, {}, {}, key)->to_pem());
  };
  auto yaml = [&](const std::string& group, const std::string& status) {
    return "{apiVersion: certificates.k8s.io/v1, kind: CertificateSigningRequest, metadata: {name: "
           "c}, "
           "spec: {signerName: kubernetes.io/kube-apiserver-client, request: '" +
           csr(group) + "', usages: [client auth]}, status: {" + status + "}}";
  };
  EXPECT_EQ(create(yaml("dev", "")), "");
  EXPECT_EQ(create(yaml("system:masters", "")),
            "certificatesigningrequests.certificates.k8s.io \"c\" is forbidden: use of "
            "kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed");
  EXPECT_THAT(admit(Operation::kUpdate, yaml("dev", ""), yaml("dev", ""), "approval"),
              HasSubstr("user not permitted to approve requests with signerName "
                        "\"kubernetes.io/kube-apiserver-client\""));
  EXPECT_EQ(admit(Operation::kUpdate, yaml("dev", ""), yaml("dev", ""), "status"), "");
  EXPECT_THAT(
      admit(Operation::kUpdate, yaml("dev", "certificate: QUJD"), yaml("dev", ""), "status"),
      HasSubstr("user not permitted to sign requests"));
}

TEST_F(AdmissionTest, cve_2020_8554) {
  auto service = [](const std::string& addresses) {
    return "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: a}, spec: {externalIPs: "
           "[" +
           addresses + "]}}";
  };
  EXPECT_EQ(create(service("1.2.3.4")), "");
  make_chain({"DenyServiceExternalIPs"}, {});
  std::string refusal =
      "services \"s\" is forbidden: Use of external IPs is denied by admission control.";
  EXPECT_EQ(create(service("1.2.3.4")), refusal);
  EXPECT_EQ(create(service("")), "");
  EXPECT_EQ(admit(Operation::kUpdate, service("1.2.3.4"), service("1.2.3.4, 5.6.7.8")), "");
  EXPECT_EQ(admit(Operation::kUpdate, service("1.2.3.4"), service("5.6.7.8")), refusal);
}

TEST_F(AdmissionTest, ClaimsGrowIfTheirClassLetsThem) {
  lookup_.put(
      "{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: big}, provisioner: p, "
      "allowVolumeExpansion: true}");
  auto claim = [](const std::string& size, const std::string& cls, const std::string& phase) {
    return "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c, namespace: a}, spec: "
           "{storageClassName: " +
           cls + ", resources: {requests: {storage: " + size + "}}}, status: {phase: " + phase +
           "}}";
  };
  auto grow = [&](const std::string& cls, const std::string& phase) {
    return admit(Operation::kUpdate, claim("2Gi", cls, phase), claim("1Gi", cls, phase));
  };
  EXPECT_EQ(grow("big", "Bound"), "");
  EXPECT_EQ(grow("big", "Pending"),
            "persistentvolumeclaims \"c\" is forbidden: Only bound persistent volume claims can be "
            "expanded");
  EXPECT_EQ(grow("other", "Bound"),
            "persistentvolumeclaims \"c\" is forbidden: only dynamically provisioned pvc can be "
            "resized and the storageclass that provisions the pvc must support resize");
}

TEST_F(AdmissionTest, PodsLearnTheirNodesTopology) {
  lookup_.put(
      "{apiVersion: v1, kind: Node, metadata: {name: n2, labels: {topology.kubernetes.io/zone: z, "
      "other: o}}}");
  user_.groups = {"system:masters"};
  EXPECT_EQ(create(pod_yaml(", nodeName: n2")), "");
  EXPECT_EQ(meta().labels().find("topology.kubernetes.io/zone"), "z");
  EXPECT_EQ(meta().labels().size(), 1u);
}

}  // namespace
}  // namespace tiphys::apiserver
