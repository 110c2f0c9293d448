// One table of objects and the field errors of their rows, group by group. Texts are upstream's.
#include "apiserver/validation/rules_fixture.h"

namespace tiphys::apiserver {
namespace {

struct Case {
  std::string_view type;  // "apiVersion kind"
  std::string_view body;  // the rest of the object
  std::string_view errors;
};

std::string object_json(std::string_view type, std::string_view body) {
  size_t space = type.find(' ');
  std::string json = "{\"apiVersion\":\"" + std::string(type.substr(0, space)) + "\",\"kind\":\"" +
                     std::string(type.substr(space + 1)) + "\"";
  if (!body.empty()) json += "," + std::string(body);
  return json + "}";
}

constexpr Case kCases[] = {
    {"autoscaling/v2 HorizontalPodAutoscaler",
     R"("spec":{"minReplicas":3,"maxReplicas":2,
     "scaleTargetRef":{"apiVersion":"e/v1","kind":"D","name":"a/b"},
        "metrics":[{"type":"Resource","pods":{"metric":{"name":"m"},"target":
        {"type":"AverageValue","averageValue":"0"}}}]})",
     "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`\n"
     "spec.scaleTargetRef.name: Invalid value: \"a/b\": may not contain '/'\n"
     "spec.metrics[0].pods.target.averageValue: Invalid value: \"0\": must be positive\n"
     "spec.metrics[0].resource: Required value: must populate information for the given metric "
     "source\n"},
    {"autoscaling/v2 HorizontalPodAutoscaler",
     R"("spec":{"maxReplicas":1,"scaleTargetRef":{"apiVersion":"e/v1","kind":"D","name":"a"},
        "behavior":{"scaleDown":{"stabilizationWindowSeconds":3601,
        "policies":[{"type":"Nope"}]}}})",
     "spec.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: must be less than "
     "or "
     "equal to 3600\n"
     "spec.behavior.scaleDown.policies[0].type: Unsupported value: \"Nope\": supported values: "
     "\"Percent\", \"Pods\"\n"
     "spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero\n"
     "spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 0: must be greater than "
     "zero\n"},
    {"policy/v1 PodDisruptionBudget",
     R"("spec":{"minAvailable":"101%","unhealthyPodEvictionPolicy":"Nope"})",
     "spec.minAvailable: Invalid value: \"101%\": must not be greater than 100%\n"
     "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Nope\": supported values: "
     "\"AlwaysAllow\", \"IfHealthyBudget\"\n"},
    {"networking.k8s.io/v1 NetworkPolicy",
     R"("spec":{"podSelector":{},"ingress":[{"ports":[{"protocol":"TCP","port":80,"endPort":79}],
        "from":[{},{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16"]}}]}]})",
     "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to "
     "`port`\n"
     "spec.ingress[0].from[0]: Required value: must specify a peer\n"
     "spec.ingress[0].from[1].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict "
     "subset of `cidr`\n"},
    {"networking.k8s.io/v1 Ingress",
     R"("spec":{"rules":[{"host":"1.2.3.4","http":{"paths":[{"path":"a","pathType":"Exact",
        "backend":{"service":{"name":"s","port":{}}}}]}}]})",
     "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address\n"
     "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path\n"
     "spec.rules[0].http.paths[0].backend: Required value: port name or number is required\n"},
    {"networking.k8s.io/v1 Ingress", R"("spec":{})",
     "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified\n"},
    {"networking.k8s.io/v1 IngressClass",
     R"("spec":{"controller":"nope","parameters":{"kind":"K","name":"n","scope":"Namespace"}})",
     "spec.controller: Invalid value: \"nope\": must be a domain-prefixed path (such as "
     "\"acme.io/foo\")\n"
     "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'\n"},
    {"networking.k8s.io/v1 ServiceCIDR", R"("spec":{"cidrs":["10.0.0.1/8","10.1.0.0/16"]})",
     "spec.cidrs[0]: Invalid value: \"10.0.0.1/8\": must not have bits set beyond the prefix "
     "length\n"
     "spec.cidrs: Invalid value: [\"10.0.0.1/8\",\"10.1.0.0/16\"]: may specify no more than one IP "
     "for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64\n"},
    {"discovery.k8s.io/v1 EndpointSlice",
     R"("addressType":"IPv4","endpoints":[{"addresses":["127.0.0.1","fd00::1"]},{"addresses":[]}],
        "ports":[{"name":"a","protocol":"TCP"},{"name":"a","protocol":"X"}])",
     "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
     "(127.0.0.0/8, ::1/128)\n"
     "endpoints[0].addresses[1]: Invalid value: \"fd00::1\": must be a valid IPv4 address\n"
     "endpoints[1].addresses: Required value: must contain at least 1 address\n"
     "ports[1].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"\n"
     "ports[1].name: Duplicate value: \"a\"\n"},
    {"storage.k8s.io/v1 StorageClass", R"("reclaimPolicy":"Nope","volumeBindingMode":"Immediate")",
     "provisioner: Required value\n"
     "reclaimPolicy: Unsupported value: \"Nope\": supported values: \"Delete\", \"Retain\"\n"},
    {"storage.k8s.io/v1 VolumeAttachment", R"("spec":{"attacher":"a.example.com","nodeName":"n"})",
     "spec.source: Required value: must specify exactly one of inlineVolumeSpec and "
     "persistentVolumeName\n"},
    {"storage.k8s.io/v1 CSINode", R"("spec":{"drivers":[{"name":"d.example.com","nodeID":"n",
        "topologyKeys":["a","a"]},{"name":"d.example.com","nodeID":""}]})",
     "spec.drivers[0]: Duplicate value: \"a\"\n"
     "spec.drivers[1].nodeID: Required value\n"
     "spec.drivers[1].name: Duplicate value: \"d.example.com\"\n"},
    {"node.k8s.io/v1 RuntimeClass", R"("handler":"h","overhead":{"podFixed":{"cpu":"-1"}})",
     "overhead.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0\n"},
    {"node.k8s.io/v1 RuntimeClass", R"("handler":"h","overhead":{"podFixed":{"what":"1"}})",
     "overhead.limits[what]: Invalid value: \"what\": must be a standard resource type or fully "
     "qualified\n"
     "overhead.limits[what]: Invalid value: \"what\": must be a standard resource for "
     "containers\n"},
    {"storage.k8s.io/v1 CSIDriver", R"("spec":{"serviceAccountTokenInSecrets":false})",
     "spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set "
     "but no tokenRequests are specified\n"},
    {"node.k8s.io/v1 RuntimeClass",
     R"("handler":"h","scheduling":{"nodeSelector":{"a b":"c"},"tolerations":[{"key":"k"},
        {"key":"k","tolerationSeconds":1,"effect":"NoExecute"},{"key":"k"},{"effect":"Never"}]})",
     "scheduling.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric "
     "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
     "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
     "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')\n"
     "scheduling.tolerations[3].operator: Invalid value: \"\": operator must be Exists when `key` "
     "is empty, which means \"match all values and all keys\"\n"
     "scheduling.tolerations[3].effect: Unsupported value: \"Never\": supported values: "
     "\"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"\n"
     "scheduling.tolerations[2]: Duplicate value: {\"key\":\"k\"}\n"},
    {"storage.k8s.io/v1 VolumeAttachment",
     R"("spec":{"attacher":"a.example.com","nodeName":"n","source":{"persistentVolumeName":""}})",
     "spec.source.persistentVolumeName: Required value: must specify non empty "
     "persistentVolumeName\n"
     "spec.source.persistentVolumeName: Invalid value: \"\": a lowercase RFC 1123 subdomain must "
     "consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
     "alphanumeric character (e.g. 'example.com', regex used for validation is "
     "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"},
    {"storage.k8s.io/v1 VolumeAttachment",
     R"("spec":{"attacher":"a.example.com","nodeName":"n","source":{"inlineVolumeSpec":{
        "capacity":{"storage":"1Gi"},"claimRef":{},"persistentVolumeReclaimPolicy":"Delete",
        "nodeAffinity":{},"storageClassName":"c","volumeMode":"Block","hostPath":{"path":"/"}}}},
        "status":{"attachError":{"errorCode":-1}})",
     "spec.source.inlineVolumeSpec.claimRef: Forbidden: may not be specified in the context of "
     "inline volumes\n"
     "spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of "
     "inline volumes\n"
     "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of "
     "inline volumes\n"
     "spec.source.inlineVolumeSpec.accessModes: Required value\n"
     "spec.source.inlineVolumeSpec.persistentVolumeReclaimPolicy: Forbidden: may only be Retain "
     "in the context of inline volumes\n"
     "spec.source.inlineVolumeSpec.nodeAffinity: Forbidden: may not be specified in the context "
     "of inline volumes\n"
     "spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified in the "
     "context of inline volumes\n"
     "spec.source.inlineVolumeSpec.volumeMode: Forbidden: may not specify volumeMode other than "
     "Filesystem in the context of inline volumes\n"
     "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, "
     "inclusive\n"},
    {"storage.k8s.io/v1 StorageClass",
     R"("provisioner":"p","reclaimPolicy":"Delete","volumeBindingMode":"Immediate",
        "allowedTopologies":[{"matchLabelExpressions":[{"key":"k","values":["a","b","a"]}]},
        {"matchLabelExpressions":[{"key":"k","values":["b","a"]}]},{}])",
     "allowedTopologies[0].matchLabelExpressions[0].values[2]: Duplicate value: \"a\"\n"
     "allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\"\n"
     "allowedTopologies[2].matchLabelExpressions: Duplicate value: \"\"\n"
     "allowedTopologies[2].matchLabelExpressions: Duplicate value: \"\"\n"
     "allowedTopologies[2].matchLabelExpressions: Duplicate value: \"\"\n"},
    {"admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
     R"("webhooks":[{"name":"short","clientConfig":{"url":"http://x"},"sideEffects":"Some",
        "admissionReviewVersions":["v9"],"rules":[{"operations":["*","CREATE"],"apiGroups":["a"],
        "apiVersions":["v1"],"resources":["*/*","a"]}]}])",
     "webhooks[0].name: Invalid value: \"short\": should be a domain with at least three segments "
     "separated by dots\n"
     "webhooks[0].rules[0].operations: Invalid value: [\"*\",\"CREATE\"]: if '*' is present, must "
     "not specify other operations\n"
     "webhooks[0].rules[0].resources: Invalid value: [\"*/*\",\"a\"]: if '*/*' is present, must "
     "not "
     "specify other resources\n"
     "webhooks[0].sideEffects: Unsupported value: \"Some\": supported values: \"None\", "
     "\"NoneOnDryRun\"\n"
     "webhooks[0].clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL "
     "scheme; desired format: https://host[/path]\n"
     "webhooks[0].admissionReviewVersions: Invalid value: [\"v9\"]: must include at least one of "
     "v1, v1beta1\n"},
    {"admissionregistration.k8s.io/v1 MutatingWebhookConfiguration",
     R"("webhooks":[{"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],
        "clientConfig":{"service":{"name":"s","port":0,"path":"x/A"}}},
        {"name":"a.b.c","sideEffects":"None","admissionReviewVersions":["v1"],
        "clientConfig":{"url":"https://u@h:p/"}}])",
     "webhooks[0].clientConfig.service.name: Required value\n"
     "webhooks[0].clientConfig.service.port: Invalid value: 0: port is not valid: must be between "
     "1 and 65535, inclusive\n"
     "webhooks[0].clientConfig.service.path: Invalid value: \"x/A\": must start with a '/'\n"
     "webhooks[0].clientConfig.service.path: Invalid value: \"x/A\": segment[0] may not be empty\n"
     "webhooks[0].clientConfig.service.path: Invalid value: \"x/A\": segment[1]: a lowercase RFC "
     "1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
     "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
     "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"
     "webhooks[1].clientConfig.url: Required value: url must be a valid URL: parse "
     "\"https://u@h:p/\": invalid port \":p\" after host; desired format: https://host[/path]\n"
     "webhooks[1].name: Duplicate value: \"a.b.c\"\n"},
    {"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding",
     R"("spec":{"policyName":"p","paramRef":{},"validationActions":["Deny","Warn","Deny"]})",
     "spec.paramRef: Required value: one of name or selector must be specified\n"
     "spec.paramRef.parameterNotFoundAction: Required value\n"
     "spec.validationActions[2]: Duplicate value: \"Deny\"\n"
     "spec.validationActions: Invalid value: [\"Deny\",\"Warn\",\"Deny\"]: must not contain both "
     "Deny and Warn (repeating the same validation failure information in the API response and "
     "headers serves no purpose)\n"},
    {"certificates.k8s.io/v1 CertificateSigningRequest",
     R"("spec":{"request":"bm9wZQ==","signerName":"nope","expirationSeconds":5,"usages":["x"]})",
     "spec.request: Invalid value: \"bm9wZQ==\": PEM block type must be CERTIFICATE REQUEST\n"
     "spec.usages[0]: Unsupported value: \"x\": supported values: \"any\", \"cert sign\", \"client "
     "auth\", \"code signing\", \"content commitment\", \"crl sign\", \"data encipherment\", "
     "\"decipher only\", \"digital signature\", \"email protection\", \"encipher only\", \"ipsec "
     "end system\", \"ipsec tunnel\", \"ipsec user\", \"key agreement\", \"key encipherment\", "
     "\"microsoft sgc\", \"netscape sgc\", \"ocsp signing\", \"s/mime\", \"server auth\", "
     "\"signing\", \"timestamping\"\n"
     "spec.signerName: Invalid value: \"nope\": must be a fully qualified domain and path of the "
     "form 'example.com/signer-name'\n"
     "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds "
     "(10 minutes)\n"},
    {"flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
     R"("metadata":{"name":"x"},"spec":{"type":"Limited","limited":{"limitResponse":{"type":"Queue",
        "queuing":{"queues":2,"handSize":3,"queueLengthLimit":0}}}})",
     "spec.limited.limitResponse.queuing.queueLengthLimit: Invalid value: 0: must be positive\n"
     "spec.limited.limitResponse.queuing.handSize: Invalid value: 3: should not be greater than "
     "queues (2)\n"},
    {"flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
     R"("metadata":{"name":"exempt"},"spec":{"type":"Exempt",
        "exempt":{"nominalConcurrencyShares":9,"lendablePercent":7}})",
     ""},
    {"flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
     R"("metadata":{"name":"catch-all"},"spec":{"type":"Limited","limited":{
        "nominalConcurrencyShares":5,"lendablePercent":0,"limitResponse":{"type":"Reject"}}})",
     ""},
    {"flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration",
     R"("metadata":{"name":"exempt"},"spec":{"type":"Limited","limited":{
        "nominalConcurrencyShares":5,"limitResponse":{"type":"Reject"}}})",
     "spec.type: Invalid value: \"Limited\": type must be 'Exempt' if and only if name is "
     "'exempt'\n"
     "spec: Invalid value: "
     "{\"type\":\"Limited\",\"limited\":{\"nominalConcurrencyShares\":5,\"limitResponse\":{"
     "\"type\":\"Reject\"}}}: spec of 'exempt' except the 'spec.exempt' field must equal the "
     "fixed value\n"},
    {"flowcontrol.apiserver.k8s.io/v1 FlowSchema",
     R"("metadata":{"name":"exempt"},"spec":{"priorityLevelConfiguration":{"name":"exempt"},
        "matchingPrecedence":1,"rules":[{"subjects":[{"kind":"Group","group":
        {"name":"system:masters"}}],"resourceRules":[{"verbs":["*"],"apiGroups":["*"],
        "resources":["*"],"clusterScope":true,"namespaces":["*"]}],"nonResourceRules":
        [{"verbs":["*"],"nonResourceURLs":["*"]}]}]})",
     ""},
    {"flowcontrol.apiserver.k8s.io/v1 FlowSchema",
     R"("metadata":{"name":"catch-all"},"spec":{"matchingPrecedence":10000,
        "priorityLevelConfiguration":{"name":"catch-all"}})",
     "spec: Invalid value: {\"priorityLevelConfiguration\":{\"name\":\"catch-all\"},"
     "\"matchingPrecedence\":10000}: spec of 'catch-all' must equal the fixed value\n"},
    {"flowcontrol.apiserver.k8s.io/v1 FlowSchema",
     R"("metadata":{"name":"x"},"spec":{"matchingPrecedence":1,"priorityLevelConfiguration":
        {"name":"p"},"rules":[{"subjects":[{"kind":"User"}],"nonResourceRules":[{"verbs":["fly"],
        "nonResourceURLs":["a"]}]}]})",
     "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have "
     "matchingPrecedence 1\n"
     "spec.rules[0].subjects[0].user: Required value: user is required when subject kind is "
     "'User'\n"
     "spec.rules[0].nonResourceRules[0].verbs: Unsupported value: [\"fly\"]: supported values: "
     "\"create\", \"delete\", \"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", "
     "\"update\", \"watch\"\n"
     "spec.rules[0].nonResourceRules[0].nonResourceURLs[0]: Invalid value: \"a\": must start with "
     "slash\n"},
    {"batch/v1 CronJob",
     R"("metadata":{"name":"x"},"spec":{"schedule":"61 * * * *","timeZone":"Nowhere/Else",
        "concurrencyPolicy":"Allow","jobTemplate":{"spec":{"manualSelector":true,"template":{"spec":
        {"restartPolicy":"Never","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",
        "containers":[{"name":"c","image":"i","terminationMessagePolicy":"File",
        "imagePullPolicy":"Always"}]}}}}})",
     "spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61\n"
     "spec.timeZone: Invalid value: \"Nowhere/Else\": unknown time zone Nowhere/Else\n"
     "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", "
     "\"false\"\n"},
};

TEST(GroupRules, SayWhatUpstreamSays) {
  for (const Case& c : kCases) {
    std::string json = object_json(c.type, c.body);
    EXPECT_EQ(rule_errors(json), c.errors) << json;
  }
}

constexpr std::string_view kJob =
    R"("metadata":{"name":"x","uid":"u"},"spec":{"parallelism":2,"completions":3,"suspend":false,
       "completionMode":"NonIndexed","manualSelector":true,"selector":{"matchLabels":{"a":"b"}},
       "template":{"metadata":{"labels":{"a":"b"}},"spec":{"restartPolicy":"Never",
       "terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","containers":[{"name":"c",
       "image":"i","terminationMessagePolicy":"File","imagePullPolicy":"Always"}]}}})";

std::string job_with(std::string_view from, std::string_view to, std::string_view status = "{}") {
  std::string json(kJob);
  if (!from.empty()) json.replace(json.find(from), from.size(), to);
  return object_json("batch/v1 Job", json + ",\"status\":" + std::string(status));
}

TEST(GroupRules, JobsKeepWhatIsFixed) {
  std::string old = job_with("", "");
  EXPECT_EQ(rule_errors(old), "");
  EXPECT_EQ(rule_errors(old, old), "");
  EXPECT_EQ(rule_errors(job_with("\"parallelism\":2", "\"parallelism\":9"), old), "");
  EXPECT_EQ(rule_errors(job_with("\"completions\":3", "\"completions\":4"), old),
            "spec.completions: Invalid value: 4: field is immutable\n");
  std::string other = rule_errors(job_with("\"image\":\"i\"", "\"image\":\"j\""), old);
  EXPECT_EQ(other.substr(0, other.find('{')), "spec.template: Invalid value: ");
}

TEST(GroupRules, JobStatusesGoForward) {
  std::string running = job_with("", "", R"({"active":1,"startTime":"2025-01-01T00:00:00Z"})");
  std::string done = job_with("", "", R"({"startTime":"2025-01-01T00:00:00Z","succeeded":3,
      "completionTime":"2025-01-01T01:00:00Z","conditions":[{"type":"SuccessCriteriaMet",
      "status":"True"},{"type":"Complete","status":"True"}]})");
  EXPECT_EQ(rule_errors(done, running, true), "");
  EXPECT_EQ(
      rule_errors(running, done, true),
      "status.conditions: Invalid value: cannot disable the terminal Complete=True condition\n"
      "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter\n"
      "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True "
      "condition\n");
  EXPECT_EQ(rule_errors(job_with("", "", R"({"active":-1,"ready":1})"), running, true),
            "status.active: Invalid value: -1: must be greater than or equal to 0\n"
            "status.ready: Invalid value: 1: cannot set more ready pods than active\n"
            "status.startTime: Required value: startTime cannot be removed for unsuspended job\n");
}

TEST(GroupRules, FixedFieldsOfClasses) {
  constexpr std::string_view kType = "storage.k8s.io/v1 StorageClass";
  std::string old = object_json(kType, R"("provisioner":"a","reclaimPolicy":"Delete",
      "volumeBindingMode":"Immediate","parameters":{})");
  std::string now = object_json(kType, R"("provisioner":"b","reclaimPolicy":"Retain",
      "volumeBindingMode":"WaitForFirstConsumer")");
  EXPECT_EQ(rule_errors(now, old),
            "provisioner: Forbidden: updates to provisioner are forbidden.\n"
            "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.\n"
            "volumeBindingMode: Invalid value: \"WaitForFirstConsumer\": field is immutable\n");
}

TEST(GroupRules, UpdatesKeepOldFaults) {
  constexpr std::string_view kType = "autoscaling/v2 HorizontalPodAutoscaler";
  constexpr std::string_view kBody =
      R"("spec":{"minReplicas":0,"maxReplicas":2,
     "scaleTargetRef":{"apiVersion":"e/v1","kind":"D","name":"a"},
         "metrics":[{"type":"Object","object":{"describedObject":{"kind":"K","name":"n"},
         "metric":{"name":"m"},"target":{"type":"Value","value":"1"}}}]})";
  std::string json = object_json(kType, kBody);
  EXPECT_EQ(rule_errors(json),
            "spec.minReplicas: Invalid value: 0: must be greater than or equal "
            "to 1\n");
  EXPECT_EQ(rule_errors(json, json), "");
}

}  // namespace
}  // namespace tiphys::apiserver
