#include "apiserver/warnings/object_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

ObjectPtr decode(std::string_view api_version, std::string_view json) {
  std::string text = R"({"apiVersion":")" + std::string(api_version) + R"(",)" + std::string(json);
  auto draft = codec::decode_object(codec::Format::kJson, text, nullptr, nullptr);
  EXPECT_TRUE(draft) << text;
  return draft->freeze();
}

Warnings warned(std::string_view group, std::string_view resource, std::string_view api_version,
                std::string_view json, const Object* old = nullptr) {
  Warnings warnings;
  const schema::Resource* found = schema::find_resource(group, "v1", resource);
  warn_of_object(*found, *decode(api_version, json), old, warnings);
  return warnings;
}

Warnings of_pod_spec(std::string_view spec) {
  return warned("", "pods", "v1",
                R"("kind":"Pod","metadata":{"name":"p"},"spec":)" + std::string(spec) + "}");
}

TEST(ObjectWarnings, environment_that_hides_itself) {
  EXPECT_THAT(of_pod_spec(R"({"containers":[{"name":"c","env":[{"name":"A","value":"1"},)"
                          R"({"name":"A","value":"$(A)2"},{"name":"A","value":"3"}]}]})"),
              ElementsAre("spec.containers[0].env[2]: hides previous definition of \"A\", which "
                          "may be dropped when using apply"));
}

TEST(ObjectWarnings, ports_that_meet) {
  EXPECT_THAT(
      of_pod_spec(R"({"containers":[{"name":"c","ports":[)"
                  R"({"containerPort":80,"protocol":"TCP","name":"w"},)"
                  R"({"containerPort":80,"protocol":"TCP"},)"
                  R"({"containerPort":80,"protocol":"TCP","hostPort":8080},)"
                  R"({"containerPort":81,"protocol":"TCP","hostIP":"1.2.3.4"}]},)"
                  R"({"name":"d","ports":[{"containerPort":82,"protocol":"TCP","name":"w"}]}]})"),
      ElementsAre("spec.containers[0].ports[1]: duplicate port definition with "
                  "spec.containers[0].ports[0]",
                  "spec.containers[0].ports[2]: overlapping port definition with "
                  "spec.containers[0].ports[0]",
                  "spec.containers[0].ports[2]: overlapping port definition with "
                  "spec.containers[0].ports[1]",
                  "spec.containers[0].ports[3]: hostIP set without hostPort: {Name: HostPort:0 "
                  "ContainerPort:81 Protocol:TCP HostIP:1.2.3.4}",
                  "spec.containers[1].ports[0]: duplicate port name \"w\" with "
                  "spec.containers[0].ports[0], services and probes that select ports by name "
                  "will use spec.containers[0].ports[0]"));
}

TEST(ObjectWarnings, files_that_overlap) {
  EXPECT_THAT(
      of_pod_spec(R"({"volumes":[{"name":"v","configMap":{"name":"m","items":[)"
                  R"({"key":"a","path":"x"},{"key":"b","path":"x/y"},{"key":"c","path":"xy"}]}},)"
                  R"({"name":"g","gitRepo":{"repository":"r"}}]})"),
      ElementsAre("spec.volumes[1].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                  "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"x/y\" with \"x\""));
}

TEST(ObjectWarnings, labels_lists_and_amounts_of_pods) {
  EXPECT_THAT(
      of_pod_spec(R"({"nodeSelector":{"beta.kubernetes.io/os":"linux"},)"
                  R"("topologySpreadConstraints":[{"topologyKey":"zone"}],)"
                  R"("imagePullSecrets":[{"name":"a"},{"name":"a"},{}],)"
                  R"("terminationGracePeriodSeconds":-1,)"
                  R"("containers":[{"name":"c","resources":{"limits":{"memory":"100m"}}}]})"),
      ElementsAre("spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
                  "\"kubernetes.io/os\" instead",
                  "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results "
                  "in matching no pod",
                  "spec.imagePullSecrets[1].name: duplicate name \"a\"",
                  "spec.imagePullSecrets[2].name: invalid empty name \"\"",
                  "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is "
                  "invalid, must be an integer",
                  "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid "
                  "and will be treated as 1"));
}

constexpr char kDeployment[] =
    R"("kind":"Deployment","metadata":{"name":"a.b","generation":1},"spec":{"template":)"
    R"({"spec":{"nodeSelector":{"node-role.kubernetes.io/master":""}}}}})";

TEST(ObjectWarnings, templates_are_looked_at_when_they_change) {
  EXPECT_THAT(warned("apps", "deployments", "apps/v1", kDeployment),
              ElementsAre(testing::StartsWith("metadata.name: this is used in Pod names and "
                                              "hostnames, which can result in surprising "
                                              "behavior; a DNS label is recommended: ["),
                          "spec.template.spec.nodeSelector[node-role.kubernetes.io/master]: use "
                          "\"node-role.kubernetes.io/control-plane\" instead"));
  ObjectPtr same = decode("apps/v1", kDeployment);
  EXPECT_THAT(warned("apps", "deployments", "apps/v1", kDeployment, same.get()), IsEmpty());
}

Warnings of_service(std::string_view spec) {
  return warned("", "services", "v1",
                R"("kind":"Service","metadata":{"name":"s"},"spec":)" + std::string(spec) + "}");
}

TEST(ObjectWarnings, addresses_in_canonical_form) {
  EXPECT_THAT(
      of_service(R"({"type":"LoadBalancer","externalIPs":["10.0.0.1","010.0.0.1","2001:DB8:0::1",)"
                 R"("::ffff:1.2.3.4","::"],"loadBalancerSourceRanges":["10.0.0.1/24","::/0"]})"),
      ElementsAre("spec.externalIPs[1]: non-standard IP address \"010.0.0.1\" will be considered "
                  "invalid in a future Kubernetes release: use \"10.0.0.1\"",
                  "spec.externalIPs[2]: IPv6 address \"2001:DB8:0::1\" should be in RFC 5952 "
                  "canonical format (\"2001:db8::1\")",
                  "spec.externalIPs[3]: non-standard IP address \"::ffff:1.2.3.4\" will be "
                  "considered invalid in a future Kubernetes release: use \"1.2.3.4\"",
                  "spec.loadBalancerSourceRanges[0]: CIDR value \"10.0.0.1/24\" is ambiguous in "
                  "this context (should be \"10.0.0.0/24\" or \"10.0.0.1/32\"?)"));
}

TEST(ObjectWarnings, of_services_that_ignore_what_they_say) {
  EXPECT_THAT(of_service(R"({"type":"ClusterIP","clusterIP":"None","clusterIPs":["None"],)"
                         R"("sessionAffinity":"None","externalName":"x"})"),
              ElementsAre("spec.externalName is ignored when spec.type is not \"ExternalName\""));
  EXPECT_THAT(of_service(R"({"type":"ClusterIP","clusterIP":"None","clusterIPs":["None"],)"
                         R"("sessionAffinity":"ClientIP"})"),
              ElementsAre("spec.SessionAffinity is ignored for headless services"));
}

TEST(ObjectWarnings, of_old_annotations) {
  EXPECT_THAT(warned("", "persistentvolumeclaims", "v1",
                     R"("kind":"PersistentVolumeClaim","metadata":{"annotations":)"
                     R"({"volume.beta.kubernetes.io/storage-class":"x"}},"spec":{}})"),
              ElementsAre("metadata.annotations[volume.beta.kubernetes.io/storage-class]: "
                          "deprecated since v1.8; use \"storageClassName\" attribute instead"));
  EXPECT_THAT(warned("networking.k8s.io", "ingresses", "networking.k8s.io/v1",
                     R"("kind":"Ingress","metadata":{"annotations":)"
                     R"({"kubernetes.io/ingress.class":"x"}}})"),
              ElementsAre("annotation \"kubernetes.io/ingress.class\" is deprecated, please use "
                          "'spec.ingressClassName' instead"));
}

TEST(ObjectWarnings, of_storage) {
  EXPECT_THAT(warned("", "persistentvolumes", "v1",
                     R"("kind":"PersistentVolume","spec":{"cephfs":{"monitors":["m"]},)"
                     R"("rbd":{"monitors":["m"],"image":"i"}}})"),
              ElementsAre("spec.cephfs: deprecated in v1.28, non-functional in v1.31+",
                          "spec.rbd: deprecated in v1.28, non-functional in v1.31+"));
  EXPECT_THAT(warned("storage.k8s.io", "storageclasses", "storage.k8s.io/v1",
                     R"("kind":"StorageClass","allowedTopologies":[{"matchLabelExpressions":[)"
                     R"({"key":"beta.kubernetes.io/os","values":["linux"]}]}]})"),
              ElementsAre("allowedTopologies[0].matchLabelExpressions[0].key: deprecated since "
                          "v1.14; use \"kubernetes.io/os\" instead"));
  EXPECT_THAT(
      warned("storage.k8s.io", "csistoragecapacities", "storage.k8s.io/v1",
             R"("kind":"CSIStorageCapacity","nodeTopology":{"matchLabels":)"
             R"({"beta.kubernetes.io/os":"l"},"matchExpressions":[)"
             R"({"key":"beta.kubernetes.io/arch","operator":"Exists"}]}})"),
      ElementsAre("nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is deprecated "
                  "since v1.14; use \"kubernetes.io/arch\" instead",
                  "nodeTopology.matchLabels.beta.kubernetes.io/os: deprecated since v1.14; use "
                  "\"kubernetes.io/os\" instead"));
}

TEST(ObjectWarnings, of_tokens_of_drivers) {
  constexpr std::string_view kDriver =
      R"("kind":"CSIDriver","spec":{"tokenRequests":[{"audience":"a"}]}})";
  auto warned_of = [](std::string_view json, const Object* old) {
    return warned("storage.k8s.io", "csidrivers", "storage.k8s.io/v1", json, old);
  };
  EXPECT_THAT(warned_of(kDriver, nullptr),
              ElementsAre(testing::StartsWith("spec.serviceAccountTokenInSecrets is unset;")));
  ObjectPtr same = decode("storage.k8s.io/v1", kDriver);
  EXPECT_THAT(warned_of(kDriver, same.get()), IsEmpty());
  EXPECT_THAT(warned_of(R"("kind":"CSIDriver","spec":{"serviceAccountTokenInSecrets":false,)"
                        R"("tokenRequests":[{"audience":"a"}]}})",
                        nullptr),
              IsEmpty());
}

TEST(ObjectWarnings, of_addresses_elsewhere) {
  EXPECT_THAT(
      warned("networking.k8s.io", "networkpolicies", "networking.k8s.io/v1",
             R"("kind":"NetworkPolicy","spec":{"podSelector":{},"egress":[{"to":[{},{"ipBlock":)"
             R"({"cidr":"10.0.0.0/8","except":["10.1.0.1/16"]}}]}]}})"),
      ElementsAre("spec.egress[0].to[1].ipBlock.except[0]: CIDR value \"10.1.0.1/16\" is "
                  "ambiguous in this context (should be \"10.1.0.0/16\" or \"10.1.0.1/32\"?)"));
  constexpr std::string_view kSlice =
      R"("kind":"EndpointSlice","addressType":"FQDN","endpoints":[{"addresses":["010.0.0.1"]}]})";
  EXPECT_THAT(warned("discovery.k8s.io", "endpointslices", "discovery.k8s.io/v1", kSlice),
              ElementsAre("spec.addressType: FQDN endpoints are deprecated",
                          "endpoints[0].addresses[0]: non-standard IP address \"010.0.0.1\" will "
                          "be considered invalid in a future Kubernetes release: use "
                          "\"10.0.0.1\""));
  EXPECT_THAT(warned("", "endpoints", "v1",
                     R"("kind":"Endpoints","metadata":{"labels":{"endpoints.kubernetes.io/)"
                     R"(managed-by":"endpoint-controller"}},"subsets":[{"addresses":)"
                     R"([{"ip":"010.0.0.1"}]}]})"),
              IsEmpty());
}

TEST(ObjectWarnings, of_batch_and_sets) {
  constexpr std::string_view kCronJob =
      R"("kind":"CronJob","metadata":{"name":"c"},"spec":{"schedule":"TZ=UTC * * * * *",)"
      R"("jobTemplate":{"spec":{"completionMode":"Indexed","completions":100001,)"
      R"("parallelism":10001,"template":{"spec":{}}}}}})";
  EXPECT_THAT(warned("batch", "cronjobs", "batch/v1", kCronJob),
              ElementsAre(testing::StartsWith("spec.jobTemplate.spec: In Indexed Jobs with a")));
  ObjectPtr same = decode("batch/v1", kCronJob);
  EXPECT_THAT(warned("batch", "cronjobs", "batch/v1", kCronJob, same.get()),
              ElementsAre(testing::StartsWith("cannot use TZ or CRON_TZ in spec.spec.schedule")));
  EXPECT_THAT(warned("apps", "statefulsets", "apps/v1",
                     R"("kind":"StatefulSet","spec":{"revisionHistoryLimit":-1,"template":)"
                     R"({"spec":{}},"volumeClaimTemplates":[{"spec":{"resources":{"requests":)"
                     R"({"storage":"1500m"}}}}]}})"),
              ElementsAre("spec.volumeClaimTemplates[0].resources.requests[storage]: fractional "
                          "byte value \"1500m\" is invalid, must be an integer",
                          "spec.revisionHistoryLimit: a negative value retains all historical "
                          "revisions; a value >= 0 is recommended"));
}

TEST(ObjectWarnings, of_keys_without_their_certificate) {
  EXPECT_THAT(warned("", "secrets", "v1",
                     R"("kind":"Secret","type":"kubernetes.io/tls",)"
                     R"("data":{"tls.crt":"","tls.key":""}})"),
              ElementsAre("tls: failed to find any PEM data in certificate input"));
}

}  // namespace
}  // namespace tiphys::apiserver
