// What each kind's validation says of an object, or of an update of one: a manifest, and the field
// errors that it gets. Defaults are applied first, as for a request.
#include <gtest/gtest.h>

#include "apiserver/registry/defaults.h"
#include "apiserver/registry/strategy.h"
#include "apiserver/validation/rules_fixture.h"

namespace tiphys::apiserver {
namespace {

const schema::Resource& resource_of(const Object& object) {
  const GroupVersionKind& gvk = *object.gvk();
  return *schema::find_resource_of_kind(gvk.group, gvk.version, gvk.kind);
}

ObjectPtr defaulted(const std::string& json) {
  ObjectPtr object = object_of(json);
  if (!object) return nullptr;
  Draft draft(*object);
  apply_defaults(resource_of(*object), draft);
  return draft.freeze();
}

// old: empty at a creation.
std::string errors_of(const std::string& json, const std::string& old = {},
                      std::string_view subresource = {}) {
  ObjectPtr object = defaulted(json);
  ObjectPtr before = old.empty() ? nullptr : defaulted(old);
  if (!object || (!old.empty() && !before)) return "no object";
  const schema::Resource& resource = resource_of(*object);
  StrategyContext context{.resource = &resource, .subresource = subresource};
  const Strategy& strategy = find_strategy(resource.group, resource.resource);
  FieldErrors errors;
  validate_rules({*object, before.get()}, subresource == "status", errors);
  if (before) {
    if (strategy.validate_update) strategy.validate_update(context, *object, *before, errors);
  } else if (strategy.validate) {
    strategy.validate(context, *object, errors);
  }
  return lines_of(errors);
}

std::string of_kind(std::string_view version, std::string_view kind, const std::string& rest) {
  return "{\"apiVersion\":\"" + std::string(version) + "\",\"kind\":\"" + std::string(kind) +
         "\",\"metadata\":{\"name\":\"x\",\"namespace\":\"n\"}," + rest + "}";
}

// A pod whose container has `container`, and whose spec has `spec` besides.
std::string pod(const std::string& container, const std::string& spec = {}) {
  std::string text = R"("spec":{"containers":[{"name":"c","image":"i")";
  text += container.empty() ? "" : "," + container;
  return of_kind("v1", "Pod", text + "}]" + (spec.empty() ? "" : "," + spec) + "}");
}

std::string volume(const std::string& source) {
  return pod("", R"("volumes":[{"name":"v",)" + source + "}]");
}

struct Case {
  std::string manifest;
  std::string errors;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& each : cases) EXPECT_EQ(errors_of(each.manifest), each.errors) << each.manifest;
}

TEST(PodValidation, Containers) {
  const std::string at = "spec.containers[0].";
  expect_all({
      {pod(""), ""},
      {pod(R"("ports":[{"containerPort":1,"hostPort":8},{"containerPort":2,"hostPort":8}])"),
       at + "ports[1].hostPort: Duplicate value: \"TCP//8\"\n"},
      {pod(R"("ports":[{"containerPort":81,"hostPort":80}])", R"("hostNetwork":true)"),
       at + "ports[0].hostPort: Invalid value: 80: must match `containerPort` when `hostNetwork` "
            "is true\n"},
      {pod(R"("env":[{"name":"a=b"}])"),
       at + "env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist "
            "only of printable ASCII characters other than '='\n"},
      {pod(R"("env":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"spec.schedulerName"}}}])"),
       at + "env[0].valueFrom.fieldRef.fieldPath: Unsupported value: \"spec.schedulerName\": "
            "supported values: \"metadata.name\", \"metadata.namespace\", \"metadata.uid\", "
            "\"spec.nodeName\", \"spec.serviceAccountName\", \"status.hostIP\", "
            "\"status.hostIPs\", \"status.podIP\", \"status.podIPs\"\n"},
      {pod(R"("envFrom":[{}])"),
       at + "envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`\n"},
      {pod(R"("volumeMounts":[{"name":"v","mountPath":"/a"}])"),
       at + "volumeMounts[0].name: Not found: \"v\"\n"},
      {pod(R"("resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}})"),
       at + "resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of "
            "1\n"},
      {pod(R"("resources":{"limits":{"hugepages-2Mi":"3Mi","cpu":"1"}})"),
       at +
           "resources.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer "
           "multiple of hugepages-2Mi\n" +
           at +
           "resources.requests[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive "
           "integer multiple of hugepages-2Mi\n"},
      {pod(R"("resources":{"claims":[{"name":"d"}]})"),
       at + "resources.claims[0]: Not found: \"d\": must be one of the names in "
            "pod.spec.resourceClaims which is empty\n"},
      {pod(R"("livenessProbe":{"grpc":{"port":0}})"),
       at + "livenessProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive\n"},
      {pod(R"("lifecycle":{"preStop":{"sleep":{"seconds":31}}})"),
       at + "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
            "terminationGracePeriodSeconds (30)\n"},
      {pod(R"("restartPolicyRules":[{"action":"Nope"}])"),
       at +
           "restartPolicy: Required value: must specify restartPolicy when restart rules are "
           "used\n" +
           at +
           "restartPolicyRules[0].action: Unsupported value: \"Nope\": supported values: "
           "\"Restart\"\n" +
           at + "restartPolicyRules[0].exitCodes: Required value: must be specified\n"},
      {pod(R"("securityContext":{"procMount":"Unmasked"})"),
       at + "securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to "
            "use `Unmasked`\n"},
  });
}

TEST(PodValidation, InitAndEphemeralContainers) {
  auto init = [](const std::string& rest) {
    return pod("", R"("initContainers":[{"name":"i","image":"i",)" + rest + "}]");
  };
  constexpr char kProbe[] = R"("livenessProbe":{"exec":{"command":["a"]}})";
  expect_all({
      {init(kProbe),
       "spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers "
       "without restartPolicy=Always\n"},
      {init(std::string(kProbe) + R"(,"restartPolicy":"Always")"), ""},
      {pod("", R"("ephemeralContainers":[{"name":"c","image":"i","ports":[{"containerPort":1}]}])"),
       "spec.ephemeralContainers[0].name: Duplicate value: \"c\"\n"
       "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container\n"
       "spec.ephemeralContainers: Forbidden: cannot be set on create\n"},
  });
}

TEST(PodValidation, Volumes) {
  const std::string at = "spec.volumes[0].";
  expect_all({
      {volume(R"("emptyDir":{},"hostPath":{"path":"/a"})"),
       at + "hostPath: Forbidden: may not specify more than 1 volume type\n"},
      {volume(R"("hostPath":{"path":"/a/../b","type":"Nope"})"),
       at + "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'\n" + at +
           "hostPath.type: Unsupported value: \"Nope\": supported values: \"\", \"BlockDevice\", "
           "\"CharDevice\", \"Directory\", \"DirectoryOrCreate\", \"File\", \"FileOrCreate\", "
           "\"Socket\"\n"},
      {volume(R"("configMap":{"name":"a","defaultMode":512})"),
       at + "configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 "
            "(octal), both inclusive\n"},
      {volume(R"("nfs":{"server":"s","path":"p"})"),
       at + "nfs.path: Invalid value: \"p\": must be an absolute path\n"},
      {volume(R"("iscsi":{"targetPortal":"t","iqn":"iqn.2001-04.com:a","lun":256})"),
       at + "iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive\n"},
      {volume(R"("fc":{})"), at + "fc.targetWWNs: Required value: must specify either targetWWNs "
                                  "or wwids, but not both\n"},
      {volume(R"("csi":{"driver":"a_b"})"),
       at + "csi.driver: Invalid value: \"a_b\": a lowercase RFC 1123 subdomain must consist of "
            "lower case alphanumeric characters, '-' or '.', and must start and end with an "
            "alphanumeric character (e.g. 'example.com', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"},
      {volume(R"("ephemeral":{"volumeClaimTemplate":{"metadata":{"name":"z"},"spec":
          {"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}})"),
       at + "ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set\n"},
      {volume(R"("projected":{"sources":[{"secret":{"name":"s","items":[{"key":"a","path":"p"}]}},
          {"configMap":{"name":"c","items":[{"key":"a","path":"p"}]}}]})"),
       at + "projected: Invalid value: \"c\": conflicting duplicate paths\n"},
      {volume(R"("projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]})"),
       at + "projected.sources[0].serviceAccountToken: Forbidden: must not be specified when "
            "serviceAccountName is not set\n"},
  });
}

TEST(PodValidation, Placement) {
  auto node_term = [](const std::string& requirement) {
    return pod("", R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
        {"nodeSelectorTerms":[{"matchExpressions":[)" +
                       requirement + "]}]}}}");
  };
  const std::string term =
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
      "nodeSelectorTerms[0].matchExpressions[0].";
  expect_all({
      {node_term(R"({"key":"a","operator":"Gt","values":["1","2"]})"),
       term + "values: Required value: must be specified single value when `operator` is 'Lt' or "
              "'Gt'\n"},
      {node_term(R"({"key":"a","operator":"Nope"})"),
       term + "operator: Invalid value: \"Nope\": not a valid selector operator\n"},
      {pod("", R"("tolerations":[{"operator":"Exists","value":"v"}])"),
       "spec.tolerations[0].operator: Invalid value: \"v\": value must be empty when `operator` is "
       "'Exists'\n"},
      {pod("", R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","minDomains":1,
          "whenUnsatisfiable":"ScheduleAnyway"}])"),
       "spec.topologySpreadConstraints[0].minDomains: Invalid value: 1: can only use minDomains if "
       "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway\n"},
      {pod("", R"("schedulingGates":[{"name":"a"},{"name":"a"}])"),
       "spec.schedulingGates[1]: Duplicate value: \"a\"\n"},
  });
}

TEST(PodValidation, TheWholePod) {
  expect_all({
      {pod("", R"("hostUsers":false,"hostNetwork":true)"),
       "spec.hostNetwork: Forbidden: when `hostUsers` is false\n"},
      {pod("", R"("hostnameOverride":"a","setHostnameAsFQDN":true)"),
       "spec.hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true\n"},
      {pod("", R"("dnsPolicy":"None")"),
       "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None\n"},
      {pod("", R"("os":{"name":"windows"},"hostPID":true)"),
       "spec.hostPID: Forbidden: cannot be set for a windows pod\n"},
      {pod(R"("resources":{"requests":{"cpu":"2"}})", R"("resources":{"requests":{"cpu":"1"}})"),
       "spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to "
       "aggregate container requests of 2\n"},
      {pod("", R"("securityContext":{"sysctls":[{"name":"kernel.sem","value":"1"}]},
          "hostIPC":true)"),
       "spec.securityContext.sysctls[0].name: Invalid value: \"kernel.sem\": may not be specified "
       "when 'hostIPC' is true\n"},
      {pod("", R"("resourceClaims":[{"name":"d"}])"),
       "spec.resourceClaims[0]: Invalid value: {\"name\":\"d\"}: must specify one of: "
       "`resourceClaimName`, `resourceClaimTemplateName`\n"},
  });
}

struct UpdateCase {
  std::string old;
  std::string now;
  std::string errors;
};

TEST(PodValidation, Updates) {
  const UpdateCase cases[] = {
      {pod(""), pod(R"("imagePullPolicy":"IfNotPresent")"),
       "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
       "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
       "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be "
       "set to 1 if it was previously negative)\n"
       "@@ -27,7 +27,7 @@\n    \"Lifecycle\": null,\n"
       "    \"TerminationMessagePath\": \"/dev/termination-log\",\n"
       "    \"TerminationMessagePolicy\": \"File\",\n"
       "-   \"ImagePullPolicy\": \"Always\",\n+   \"ImagePullPolicy\": \"IfNotPresent\",\n"
       "    \"SecurityContext\": null,\n    \"Stdin\": false,\n    \"StdinOnce\": false,\n\n"},
      {pod("", R"("activeDeadlineSeconds":5)"), pod("", R"("activeDeadlineSeconds":6)"),
       "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous "
       "value\n"},
      {pod("", R"("tolerations":[{"key":"a","operator":"Exists"}])"), pod(""),
       "spec.tolerations: Forbidden: existing toleration can not be modified except its "
       "tolerationSeconds\n"},
      {pod(""), pod("", R"("tolerations":[{"key":"a","operator":"Exists"}])"), ""},
      {pod("", R"("schedulingGates":[{"name":"a"}])"), pod("", R"("nodeSelector":{"a":"b"})"), ""},
      {pod(""), pod("", R"("schedulingGates":[{"name":"a"}])"),
       "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new "
       "scheduling gate 'a'\n"},
  };
  for (const UpdateCase& each : cases) {
    EXPECT_EQ(errors_of(each.now, each.old), each.errors) << each.now;
  }
}

TEST(PodValidation, AnUpdateMayKeepWhatIsThere) {
  const std::string old = pod(R"("resources":{"limits":{"hugepages-2Mi":"3Mi","cpu":"1"}})");
  EXPECT_NE(errors_of(old), "");
  EXPECT_EQ(errors_of(old, old), "");
}

std::string deployment(const std::string& selector, const std::string& rest = {}) {
  return of_kind("apps/v1", "Deployment",
                 R"("spec":{"selector":)" + selector + R"(,"template":{"metadata":{"labels":
                 {"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}})" +
                     rest + "}");
}

TEST(WorkloadValidation, Deployments) {
  const std::string good = R"({"matchLabels":{"a":"b"}})";
  expect_all({
      {deployment(good), ""},
      {deployment("{}"),
       "spec.selector: Invalid value: {}: empty selector is invalid for deployment\n"},
      {deployment(R"({"matchLabels":{"a":"c"}})"),
       "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match "
       "template `labels`\n"},
      {deployment(good, R"(,"replicas":-1)"),
       "spec.replicas: Invalid value: -1: must be greater than or equal to 0\n"},
      {deployment(good, R"(,"strategy":{"type":"Recreate","rollingUpdate":{}})"),
       "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
       "'Recreate'\n"},
      {deployment(good, R"(,"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":0}})"),
       "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
       "`maxSurge` is 0\n"},
  });
  EXPECT_EQ(errors_of(deployment(R"({"matchLabels":{"a":"b"},"matchExpressions":[{"key":"a",
                      "operator":"Exists"}]})"),
                      deployment(good)),
            "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\"},\"matchExpressions\":"
            "[{\"key\":\"a\",\"operator\":\"Exists\"}]}: field is immutable\n");
}

std::string stateful_set(const std::string& rest) {
  return of_kind("apps/v1", "StatefulSet",
                 R"("spec":{"serviceName":"s","selector":{"matchLabels":{"a":"b"}},"template":
                 {"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i",
                 "volumeMounts":[{"name":"d","mountPath":"/d"}]}]}})" +
                     rest + "}");
}

TEST(WorkloadValidation, StatefulSets) {
  const std::string claim = R"(,"volumeClaimTemplates":[{"metadata":{"name":"d"},"spec":
      {"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}])";
  const std::string missing =
      "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"d\"\n";
  expect_all({{stateful_set(claim), ""}, {stateful_set(""), missing}});
  // What was there before templates were checked stays; the rest does not change.
  EXPECT_EQ(errors_of(stateful_set(R"(,"replicas":2)"), stateful_set("")), "");
  EXPECT_EQ(errors_of(stateful_set(claim), stateful_set(claim + R"(,"podManagementPolicy":
                      "Parallel")")),
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
            "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden\n");
}

TEST(WorkloadValidation, Statuses) {
  const std::string rest = R"("spec":{"selector":{"matchLabels":{"a":"b"}},"template":{}},
      "status":{"replicas":1,"readyReplicas":2})";
  std::string now = of_kind("apps/v1", "ReplicaSet", rest);
  EXPECT_EQ(errors_of(now, now, "status"),
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas\n");
}

std::string service(const std::string& spec) {
  return of_kind("v1", "Service", R"("spec":{)" + spec + "}");
}

TEST(ServiceValidation, Objects) {
  const std::string ports = R"("ports":[{"port":80}])";
  expect_all({
      {service(ports), ""},
      {service(R"("type":"ExternalName","externalName":"a.b.","clusterIPs":["1.2.3.4"])"),
       "spec.clusterIPs: Forbidden: may not be set for ExternalName services\n"},
      {service(R"("ports":[{"port":80,"nodePort":30000}])"),
       "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'\n"},
      {service(R"("ports":[{"port":80,"name":"a"},{"port":80,"name":"b"}])"),
       "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,"
       "\"Port\":80,\"TargetPort\":0,\"NodePort\":0}\n"},
      {service(ports + R"(,"clusterIP":"1.2.3.4","clusterIPs":["1.2.3.4","1.2.3.5"])"),
       "spec.clusterIPs: Invalid value: [\"1.2.3.4\",\"1.2.3.5\"]: may specify no more than one "
       "IP for each IP family\n"},
      {service(ports + R"(,"externalIPs":["127.0.0.1"])"),
       "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
       "(127.0.0.0/8, ::1/128)\n"},
      {service(ports + R"(,"type":"LoadBalancer","loadBalancerSourceRanges":["1.2.3.4"])"),
       "spec.LoadBalancerSourceRanges[0]: Invalid value: \"1.2.3.4\": must be a valid CIDR value, "
       "(e.g. 10.9.8.0/24 or 2001:db8::/64)\n"},
      {service(ports + R"(,"trafficDistribution":"Nope")"),
       "spec.trafficDistribution: Unsupported value: \"Nope\": supported values: \"PreferClose\", "
       "\"PreferSameZone\", \"PreferSameNode\"\n"},
  });
}

std::string claim(const std::string& spec, const std::string& rest = {}) {
  return of_kind("v1", "PersistentVolumeClaim", R"("spec":{)" + spec + "}" + rest);
}

TEST(ClaimValidation, Updates) {
  auto sized = [](const std::string& size, const std::string& rest) {
    return claim(
        R"("accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":")" + size + "\"}}",
        rest);
  };
  const std::string bound = R"(,"status":{"phase":"Bound","capacity":{"storage":"1Gi"}})";
  const std::string immutable =
      "spec: Forbidden: spec is immutable after creation except resources.requests and "
      "volumeAttributesClassName for bound claims\n@@ -6,7 +6,7 @@\n"
      "  \"Resources\": {\n   \"Limits\": null,\n   \"Requests\": {\n"
      "-   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n   }\n  },\n"
      "  \"VolumeName\": \"\",\n\n";
  EXPECT_EQ(errors_of(sized("2Gi", bound), sized("1Gi", bound)), "");
  EXPECT_EQ(errors_of(sized("2Gi", ""), sized("1Gi", "")), immutable);
  EXPECT_EQ(errors_of(sized("1Gi", bound), sized("2Gi", bound)),
            "spec.resources.requests.storage: Forbidden: field can not be less than "
            "status.capacity\n");
}

TEST(CoreValidation, Objects) {
  expect_all({
      {of_kind("v1", "PersistentVolume",
               R"("spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],
               "local":{"path":"/a"}})"),
       "spec.nodeAffinity: Required value: Local volume requires node affinity\n"},
      {of_kind("v1", "Secret", R"("type":"kubernetes.io/basic-auth")"),
       "data[username]: Required value\ndata[password]: Required value\n"},
      {of_kind("v1", "ConfigMap", R"("data":{"a":"b"},"binaryData":{"a":"Yg=="})"),
       "data[a]: Invalid value: \"a\": duplicate of key present in binaryData\n"},
      {of_kind("v1", "LimitRange", R"("spec":{"limits":[{"type":"Container","min":{"cpu":"2"},
               "max":{"cpu":"1"},"default":{"cpu":"1"},"defaultRequest":{"cpu":"1"}}]})"),
       "spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1\n"
       "spec.limits[0].defaultRequest[cpu]: Invalid value: \"1\": min value 2 is greater than "
       "default request value 1\n"
       "spec.limits[0].default[cpu]: Invalid value: \"2\": min value 2 is greater than default "
       "value 1\n"},
      {of_kind("v1", "ResourceQuota", R"("spec":{"hard":{"pods":"1500m"}})"),
       "spec.hard[pods]: Invalid value: \"1500m\": must be an integer\n"},
      {of_kind("v1", "Endpoints", R"("subsets":[{"addresses":[{"ip":"169.254.0.1"}]}])"),
       "subsets[0].addresses[0].ip: Invalid value: \"169.254.0.1\": may not be in the link-local "
       "range (169.254.0.0/16, fe80::/10)\n"},
      {of_kind("v1", "Event", R"("involvedObject":{"namespace":"other"})"),
       "involvedObject.namespace: Invalid value: \"other\": does not match event.namespace\n"},
      {of_kind("v1", "Node", R"("spec":{"podCIDRs":["10.0.0.0/8","11.0.0.0/8"]})"),
       "spec.podCIDRs: Invalid value: [\"10.0.0.0/8\",\"11.0.0.0/8\"]: may specify no more than "
       "one "
       "CIDR for each IP family\n"},
  });
}

TEST(CoreValidation, EndpointsThatWereThereStay) {
  std::string old = of_kind("v1", "Endpoints", R"("subsets":[{"addresses":[{"ip":"127.0.0.1"}]}])");
  EXPECT_NE(errors_of(old), "");
  EXPECT_EQ(errors_of(old, old), "");
}

}  // namespace
}  // namespace tiphys::apiserver
