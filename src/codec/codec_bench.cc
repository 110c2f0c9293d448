// What one pod of usual size costs: decode, freeze, encode, in each format; and its memory.
#include <benchmark/benchmark.h>

#include <fstream>

#include "codec/codec.h"

namespace {

using namespace tiphys;
using namespace tiphys::codec;

constexpr const char* kPod = R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"nginx-deployment-7fb96c846b-abcde","generateName":"nginx-deployment-7fb96c846b-","namespace":"default","uid":"8f5a2c3e-5b1f-4a51-9f8e-1234567890ab","resourceVersion":"12345","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"app":"nginx","pod-template-hash":"7fb96c846b"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"nginx-deployment-7fb96c846b","uid":"11111111-5b1f-4a51-9f8e-1234567890ab","controller":true,"blockOwnerDeletion":true}]},"spec":{"volumes":[{"name":"kube-api-access-xyz12","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],"containers":[{"name":"nginx","image":"nginx:1.7.9","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"500m","memory":"128Mi"},"requests":{"cpu":"250m","memory":"64Mi"}},"volumeMounts":[{"name":"kube-api-access-xyz12","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default","nodeName":"node-1","securityContext":{},"schedulerName":"default-scheduler","tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"},"status":{"phase":"Running","conditions":[{"type":"PodReadyToStartContainers","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:02Z"},{"type":"Initialized","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:02Z"},{"type":"ContainersReady","status":"True","lastTransitionTime":"2026-01-01T00:00:02Z"},{"type":"PodScheduled","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}],"hostIP":"10.0.0.1","hostIPs":[{"ip":"10.0.0.1"}],"podIP":"10.42.0.5","podIPs":[{"ip":"10.42.0.5"}],"startTime":"2026-01-01T00:00:00Z","containerStatuses":[{"name":"nginx","state":{"running":{"startedAt":"2026-01-01T00:00:01Z"}},"lastState":{},"ready":true,"restartCount":0,"image":"docker.io/library/nginx:1.7.9","imageID":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","containerID":"containerd://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","started":true}],"qosClass":"Burstable"}})";

Draft pod() { return std::move(*decode_object(Format::kJson, kPod, nullptr, nullptr)); }

std::string encoded(Format format) {
  Draft draft = pod();
  std::string out;
  encode_object(format, draft.type(), draft.root(), draft.gvk(), out);
  return out;
}

void decode(benchmark::State& state, Format format, bool strict) {
  std::string text = encoded(format);
  for (auto _ : state) {
    DecodeNotes notes;
    auto draft = decode_object(format, text, nullptr, strict ? &notes : nullptr);
    benchmark::DoNotOptimize(draft);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void encode(benchmark::State& state, Format format) {
  Draft draft = pod();
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode_object(format, draft.type(), draft.root(), draft.gvk(), out);
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * out.size()));
}

void freeze(benchmark::State& state) {
  Draft draft = pod();
  for (auto _ : state) benchmark::DoNotOptimize(draft.freeze());
  state.counters["object_bytes"] = static_cast<double>(draft.freeze()->memory());
  state.counters["json_bytes"] = static_cast<double>(encoded(Format::kJson).size());
  state.counters["protobuf_bytes"] = static_cast<double>(encoded(Format::kProtobuf).size());
}

BENCHMARK_CAPTURE(decode, json, Format::kJson, false);
BENCHMARK_CAPTURE(decode, json_strict, Format::kJson, true);
BENCHMARK_CAPTURE(decode, protobuf, Format::kProtobuf, false);
BENCHMARK_CAPTURE(decode, yaml, Format::kYaml, false);
BENCHMARK_CAPTURE(encode, json, Format::kJson);
BENCHMARK_CAPTURE(encode, protobuf, Format::kProtobuf);
BENCHMARK_CAPTURE(encode, yaml, Format::kYaml);
BENCHMARK(freeze);

}  // namespace

BENCHMARK_MAIN();
