#include "scheduler/pod_signature.h"

#include "scheduler/objects_test.h"

namespace tiphys::scheduler {
namespace {

std::string of(const PodShape& shape) { return pod_signature(*make_pod(shape)); }

TEST(PodSignature, PodsOfOneTemplateAreAlike) {
  auto token = [](const std::string& name) {
    return R"("volumes":[{"name":"kube-api-access-)" + name +
           R"(","projected":{"sources":[{"serviceAccountToken":{"path":"token"}}]}}])";
  };
  EXPECT_EQ(of({.name = "a", .spec = token("x1")}), of({.name = "b", .spec = token("y2")}));
}

TEST(PodSignature, WhoseAPodIsCountsWhereTheProfileSpreadsItByThat) {
  auto owned = [](const std::string& uid, const std::string& spec = "") {
    return make_pod({.spec = spec,
                     .metadata = R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet",
                                    "name":"r","controller":true,"uid":")" +
                                 uid + R"("}])"});
  };
  EXPECT_EQ(pod_signature(*owned("1")), pod_signature(*owned("2")));
  EXPECT_EQ(pod_signature(*owned("1"), true), pod_signature(*owned("1"), true));
  EXPECT_NE(pod_signature(*owned("1"), true), pod_signature(*owned("2"), true));
  const char* own = R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone",
                       "whenUnsatisfiable":"DoNotSchedule"}])";
  EXPECT_EQ(pod_signature(*owned("1", own), true), pod_signature(*owned("2", own), true))
      << "with constraints of its own it has no others";
}

TEST(PodSignature, WhateverAFilterReadsTellsPodsApart) {
  auto affinity = [](const char* kind, const char* key) {
    return std::string(R"("affinity":{")") + kind +
           R"(":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":")" + key +
           R"(","labelSelector":{}}]}})";
  };
  std::vector<PodShape> different = {
      {},
      {.ns = "other"},
      {.labels = R"({"a":"b"})"},
      {.requests = R"({"cpu":"1"})"},
      {.requests = R"({"memory":"1"})"},
      {.requests = R"({"example.com/a":"1"})"},
      {.spec = R"("priority":5)"},
      {.spec = R"("preemptionPolicy":"Never")"},
      {.spec = R"("nodeName":"n")"},
      {.spec = R"("schedulerName":"mine")"},
      {.spec = R"("nodeSelector":{"a":"b"})"},
      {.spec = R"("nodeSelector":{"b":"a"})"},
      {.spec = R"("tolerations":[{"operator":"Exists"}])"},
      {.spec = R"("tolerations":[{"key":"a","operator":"Exists"}])"},
      {.container = R"("ports":[{"containerPort":80,"hostPort":80}])"},
      {.spec = affinity("podAffinity", "zone")},
      {.spec = affinity("podAntiAffinity", "zone")},
      {.spec = affinity("podAffinity", "host")},
      {.spec = R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone",
                  "whenUnsatisfiable":"DoNotSchedule"}])"},
      {.spec = R"("volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}])"},
  };
  for (size_t i = 0; i < different.size(); ++i) {
    for (size_t k = 0; k < i; ++k) EXPECT_NE(of(different[i]), of(different[k])) << i << " " << k;
  }
}

}  // namespace
}  // namespace tiphys::scheduler
