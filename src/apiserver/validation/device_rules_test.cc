// Objects of resource.k8s.io and their field errors, fields behind gates too: those of objects that
// use them already. Texts are upstream's.
#include "apiserver/validation/rules_fixture.h"
#include "apiserver/validation/semantic_version.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kNoRequest =
    "must be the name of a request in the claim or the name of a request and a subrequest "
    "separated by '/'\n";

std::string claim(std::string_view devices) {
  return R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","spec":{"devices":{)" +
         std::string(devices) + "}}}";
}

std::string claim_errors(std::string_view devices) { return rule_errors(claim(devices)); }

// Of a claim with a request "a" and, if it is not empty, a status.
std::string with_status(std::string_view status, std::string_view metadata = "{}") {
  std::string json =
      R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaim","metadata":)" +
      std::string(metadata) +
      R"(,"spec":{"devices":{"requests":[{"name":"a","exactly":{"deviceClassName":"c"}}]}})";
  if (!status.empty()) json += ",\"status\":" + std::string(status);
  return json + "}";
}

std::string status_errors(std::string_view status, std::string_view old = {}) {
  return rule_errors(with_status(status), with_status(old), true);
}

std::string slice(std::string_view spec) {
  return R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","spec":{"driver":"d.x",)"
         R"("pool":{"name":"p","resourceSliceCount":1},)" +
         std::string(spec) + "}}";
}

std::string device_errors(std::string_view device, std::string_view spec = R"("nodeName":"n")") {
  return rule_errors(
      slice(std::string(spec) + R"(,"devices":[{"name":"a",)" + std::string(device) + "}]"));
}

constexpr std::string_view kExactly = R"("exactly":{"deviceClassName":"c","allocationMode":"All"})";

std::string repeated(std::string_view item, int count) {
  std::string list;
  for (int i = 0; i < count; ++i) list += (i ? "," : "") + std::string(item);
  return "[" + list + "]";
}

TEST(DeviceRules, RequestsAreOfOneKind) {
  EXPECT_EQ(claim_errors(R"("requests":[{"name":"a"},{"name":"b","exactly":{},
                            "firstAvailable":[{"name":"c"}]}])"),
            "spec.devices.requests[0]: Required value: exactly one of `exactly` or "
            "`firstAvailable` is required\n"
            "spec.devices.requests[1]: Invalid value: null: exactly one of `exactly` or "
            "`firstAvailable` is required, but multiple fields are set\n");
  EXPECT_EQ(claim_errors(R"("requests":[{"name":"a","firstAvailable":[
                            {"name":"x","deviceClassName":"c","allocationMode":"All","count":1},
                            {"name":"x","deviceClassName":"c","allocationMode":"Some"}]}])"),
            "spec.devices.requests[0].firstAvailable[0].count: Invalid value: 1: must not be "
            "specified when allocationMode is 'All'\n"
            "spec.devices.requests[0].firstAvailable[1].allocationMode: Unsupported value: "
            "\"Some\": supported values: \"All\", \"ExactCount\"\n"
            "spec.devices.requests[0].firstAvailable[1]: Duplicate value: \"x\"\n");
}

TEST(DeviceRules, TooManyItemsAreNotLookedAt) {
  EXPECT_EQ(claim_errors("\"requests\":" + repeated(R"({"name":"A"})", 33)),
            "spec.devices.requests: Too many: 33: must have at most 32 items\n");
  EXPECT_EQ(claim_errors(R"("requests":[{"name":"a","exactly":{"deviceClassName":"c",
                            "allocationMode":"All","selectors":)" +
                         repeated("{}", 33) + "}}]"),
            "spec.devices.requests[0].exactly.selectors: Too many: 33: must have at most 32 "
            "items\n");
}

TEST(DeviceRules, SelectorsAndTolerations) {
  std::string errors = claim_errors(
      R"("requests":[{"name":"a","exactly":{"allocationMode":"ExactCount","count":-1,
         "selectors":[{},{"cel":{"expression":")" +
      std::string(10241, 'a') +
      R"("}}],"tolerations":[{"operator":"Exists","value":"v"},{"operator":"In"},
         {"key":"a/b/c","operator":"Equal","value":"a b","effect":"Never"}]}}])");
  EXPECT_EQ(errors.substr(0, errors.find("tolerations[2].key")),
            "spec.devices.requests[0].exactly.deviceClassName: Required value\n"
            "spec.devices.requests[0].exactly.selectors[0].cel: Required value\n"
            "spec.devices.requests[0].exactly.selectors[1].cel.expression: Too long: may not be "
            "more than 10240 bytes\n"
            "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than "
            "zero\n"
            "spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: \"v\": must be "
            "empty for operator `Exists`\n"
            "spec.devices.requests[0].exactly.tolerations[1].operator: Unsupported value: \"In\": "
            "supported values: \"Equal\", \"Exists\"\n"
            "spec.devices.requests[0].exactly.");
  EXPECT_TRUE(
      errors.ends_with("Unsupported value: \"Never\": supported values: \"NoExecute\", "
                       "\"NoSchedule\", \"None\"\n"));
}

TEST(DeviceRules, ConstraintsAndConfigNameRequests) {
  std::string requests = R"("requests":[{"name":"a",)" + std::string(kExactly) +
                         R"(},{"name":"b","firstAvailable":[{"name":"x","deviceClassName":"c",
                            "allocationMode":"All"}]}],)";
  EXPECT_EQ(claim_errors(requests + R"("constraints":[
                {"requests":["a","b","b/x"],"matchAttribute":"d.x/a"},
                {"requests":["a/x","c","a","a"],"matchAttribute":"a"},{}])"),
            "spec.devices.constraints[1].requests[0]: Invalid value: \"a/x\": " +
                std::string(kNoRequest) +
                "spec.devices.constraints[1].requests[1]: Invalid value: \"c\": " +
                std::string(kNoRequest) +
                "spec.devices.constraints[1].requests[3]: Duplicate value: \"a\"\n"
                "spec.devices.constraints[1].matchAttribute: Invalid value: \"a\": a fully "
                "qualified name must be a domain and a name separated by a slash\n"
                "spec.devices.constraints[2].matchAttribute: Required value\n");
  EXPECT_EQ(claim_errors(requests + R"("config":[{},{"requests":["a/b/c"],"opaque":{}},
                {"opaque":{"driver":"d.x","parameters":[]}},
                {"opaque":{"driver":"d.x","parameters":{"a":1}}},
                {"opaque":{"driver":"d.x","parameters":{"a":")" +
                         std::string(10240, 'a') + R"("}}}])"),
            "spec.devices.config[0].opaque: Required value\n"
            "spec.devices.config[1].requests[0]: Invalid value: \"a/b/c\": " +
                std::string(kNoRequest) +
                "spec.devices.config[1].opaque.driver: Required value\n"
                "spec.devices.config[1].opaque.driver: Invalid value: \"\": a lowercase RFC 1123 "
                "subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
                "must start and end with an alphanumeric character (e.g. 'example.com', regex "
                "used for validation is "
                "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')\n"
                "spec.devices.config[1].opaque.parameters: Required value\n"
                "spec.devices.config[2].opaque.parameters: Invalid value: \"<value omitted>\": "
                "must be a valid JSON object\n"
                "spec.devices.config[4].opaque.parameters: Too long: may not be more than 10240 "
                "bytes\n");
}

TEST(DeviceRules, KeysOfAttributes) {
  constexpr std::string_view kIdentifier =
      "a valid C identifier must start with alphabetic character or '_', followed by a string of "
      "alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used "
      "for validation is '[A-Za-z_][A-Za-z0-9_]*')\n";
  EXPECT_EQ(device_errors(R"("attributes":{"/a":{"int":1},"1a":{"bool":false},"d.x/":{"int":1},
                             "d.x/ok":{"string":"s"},"ok":{"int":1,"string":"x"},"none":{}})"),
            "spec.devices[0].attributes[/a]: Invalid value: \"\": the domain must not be empty\n"
            "spec.devices[0].attributes[1a]: Invalid value: \"1a\": " +
                std::string(kIdentifier) +
                "spec.devices[0].attributes[d.x/]: Invalid value: \"\": the name must not be "
                "empty\n"
                "spec.devices[0].attributes[none]: Invalid value: \"\": exactly one value must be "
                "specified\n"
                "spec.devices[0].attributes[ok]: Invalid value: {\"IntValue\":1,\"BoolValue\":"
                "null,\"StringValue\":\"x\",\"VersionValue\":null}: exactly one value must be "
                "specified\n");
  std::string key = "d.x/" + std::string(100, 'a');
  EXPECT_EQ(device_errors("\"attributes\":{\"" + key + "\":{\"version\":\"1.2\"}}"),
            "spec.devices[0].attributes[d.x/" + std::string(43, 'a') + "..." +
                std::string(46, 'a') +
                "]: Too long: may not be more than 32 bytes\n"
                "spec.devices[0].attributes[d.x/" +
                std::string(43, 'a') + "..." + std::string(46, 'a') +
                "].version: Invalid value: \"1.2\": must be a string compatible with semver.org "
                "spec 2.0.0\n");
}

TEST(DeviceRules, NodesOfSlices) {
  EXPECT_EQ(rule_errors(slice(R"("nodeName":"","allNodes":false)")),
            "spec.nodeName: Invalid value: \"\": must be either unset or set to a non-empty "
            "string\n"
            "spec.allNodes: Invalid value: false: must be either unset or set to true\n"
            "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
            "`perDeviceNodeSelection` is required\n");
  EXPECT_EQ(rule_errors(slice(R"("nodeName":"n","allNodes":true)")),
            "spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, "
            "`nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple "
            "fields are set\n");
  EXPECT_EQ(device_errors(R"("nodeName":"n")"),
            "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can "
            "only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec\n");
  EXPECT_EQ(device_errors(R"("nodeName":"","allNodes":false)", R"("perDeviceNodeSelection":true)"),
            "spec.devices[0].nodeName: Invalid value: \"\": must not be empty\n"
            "spec.devices[0].allNodes: Invalid value: false: must be either unset or set to "
            "true\n"
            "spec.devices[0]: Required value: exactly one of `nodeName`, `nodeSelector`, or "
            "`allNodes` is required when `perDeviceNodeSelection` is set to true in the "
            "ResourceSlice spec\n");
}

TEST(DeviceRules, SlicesKeepWhereTheyAre) {
  std::string old = slice(R"("nodeName":"n")");
  EXPECT_EQ(rule_errors(R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceSlice","spec":{
                           "driver":"e.x","pool":{"name":"q","generation":-1},"allNodes":true}})",
                        old),
            "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero\n"
            "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero\n"
            "spec.pool.name: Invalid value: \"q\": field is immutable\n"
            "spec.driver: Invalid value: \"e.x\": field is immutable\n"
            "spec.nodeName: Invalid value: null: field is immutable\n");
}

TEST(DeviceRules, DevicesOfSlices) {
  std::string many = "\"nodeName\":\"n\",\"devices\":" + repeated(R"({"name":"a"})", 129);
  EXPECT_EQ(rule_errors(slice(many)), "spec.devices: Too many: 129: must have at most 128 items\n");
  EXPECT_EQ(rule_errors(slice(R"("nodeName":"n","devices":[{"name":"a"},{"name":"a"}])")),
            "spec.devices[1]: Duplicate value: \"a\"\n");
  EXPECT_EQ(rule_errors(slice(R"("nodeName":"n","devices":[{"name":"a"}],
                                 "sharedCounters":[{"name":"c"},{"name":"c"}])")),
            "spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed\n"
            "spec.sharedCounters[0].counters: Required value\n"
            "spec.sharedCounters[1].counters: Required value\n"
            "spec.sharedCounters[1]: Duplicate value: \"c\"\n");
  EXPECT_EQ(device_errors(R"("consumesCounters":[{"counterSet":"s","counters":{"c":{"value":"1"}}},
                             {"counterSet":"s"}],"taints":[{"key":"k"},{"key":"k","effect":"X"}])"),
            "spec.devices[0].taints[0].effect: Required value\n"
            "spec.devices[0].taints[1].effect: Unsupported value: \"X\": supported values: "
            "\"NoExecute\", \"NoSchedule\", \"None\"\n"
            "spec.devices[0].consumesCounters[1].counters: Required value\n"
            "spec.devices[0].consumesCounters[1]: Duplicate value: \"s\"\n");
}

TEST(DeviceRules, TaintsThatStayAreNotCheckedAgain) {
  constexpr std::string_view kTainted =
      R"("nodeName":"n","devices":[{"name":"a","taints":[{"key":"k"}]}])";
  EXPECT_EQ(rule_errors(slice(kTainted), slice(kTainted)), "");
}

TEST(DeviceRules, BindingConditions) {
  EXPECT_EQ(device_errors(R"("bindingConditions":["a","a"],"bindingFailureConditions":["a"])"),
            "spec.devices[0].bindingConditions[1]: Duplicate value: \"a\"\n"
            "spec.devices[0].bindingFailureConditions[0]: Invalid value: \"a\": "
            "bindingFailureConditions must not overlap with bindingConditions\n");
  EXPECT_EQ(device_errors(R"("bindingConditions":["a"])"),
            "spec.devices[0].bindingFailureConditions: Invalid value: null: "
            "bindingFailureConditions are required to use bindingConditions\n");
}

std::string policy_errors(std::string_view policy) {
  return device_errors(R"("allowMultipleAllocations":true,
                          "capacity":{"c":{"value":"10","requestPolicy":{)" +
                       std::string(policy) + "}}}");
}

TEST(DeviceRules, RequestPolicies) {
  constexpr std::string_view kPath = "spec.devices[0].capacity[c].requestPolicy";
  std::string at(kPath);
  EXPECT_EQ(device_errors(R"("capacity":{"c":{"value":"1","requestPolicy":{"default":"1"}}})"),
            at + ": Forbidden: allowMultipleAllocations must be true\n");
  EXPECT_EQ(policy_errors(R"("validValues":["1"],"validRange":{"min":"1"})"),
            at + ": Forbidden: exactly one policy can be specified, cannot specify "
                 "\"validValues\" and \"validRange\" at the same time\n");
  EXPECT_EQ(policy_errors(R"("validValues":["1"])"),
            at + ".default: Required value: required when validValues is defined\n");
  EXPECT_EQ(policy_errors(R"("default":"5","validValues":["2","1","11","11"])"),
            at +
                ".validValues[1]: Invalid value: \"1\": values must be sorted in ascending "
                "order\n" +
                at +
                ".validValues[2]: Invalid value: \"11\": option is larger than capacity "
                "value: 10\n" +
                at +
                ".validValues[3]: Invalid value: \"11\": option is larger than capacity "
                "value: 10\n" +
                at + ".validValues[3]: Duplicate value: \"11\"\n" + at +
                ".validValues: Invalid value: \"5\": default value is not valid according "
                "to the requestPolicy\n");
  EXPECT_EQ(policy_errors(R"("default":"1","validRange":{"min":"2","max":"12","step":"9"})"),
            at + ".validRange.min: Invalid value: \"1\": default is less than min: 2\n" + at +
                ".validRange.max: Invalid value: \"12\": max is larger than capacity value: "
                "10\n" +
                at +
                ".validRange.step: Invalid value: \"9\": one step 11 is larger than "
                "capacity value: 10\n" +
                at +
                ".validRange.step: Invalid value: \"1\": value is not a multiple of a given "
                "step (9) from (2)\n" +
                at +
                ".validRange.step: Invalid value: \"12\": value is not a multiple of a "
                "given step (9) from (2)\n");
  EXPECT_EQ(policy_errors(R"("default":"4","validRange":{"min":"2","max":"8","step":"2"})"), "");
}

TEST(DeviceRules, ReservationsNeedAnAllocation) {
  EXPECT_EQ(
      status_errors(R"({"reservedFor":[{"resource":"pods","name":"p","uid":"1"},{"uid":"1"}]})"),
      "status.reservedFor[1].resource: Required value\n"
      "status.reservedFor[1].name: Required value\n"
      "status.reservedFor[1]: Duplicate value: \"1\"\n"
      "status.reservedFor: Forbidden: may not be specified when `allocated` is not set\n");
  constexpr std::string_view kDeleting = R"({"deletionTimestamp":"2020-01-01T00:00:00Z"})";
  constexpr std::string_view kReserved =
      R"({"allocation":{},"reservedFor":[{"resource":"pods","name":"p","uid":"1"}]})";
  std::string now = with_status(kReserved, kDeleting);
  EXPECT_EQ(rule_errors(now, with_status(R"({"allocation":{}})", kDeleting), true),
            "status.reservedFor: Forbidden: new entries may not be added while "
            "`deallocationRequested` or `deletionTimestamp` are set\n");
  EXPECT_EQ(rule_errors(now, now, true), "");
}

TEST(DeviceRules, Allocations) {
  constexpr std::string_view kAllocated =
      R"({"allocation":{"devices":{"results":[
          {"request":"a","driver":"d.x","pool":"p","device":"v"}]}}})";
  EXPECT_EQ(status_errors(kAllocated), "");
  EXPECT_EQ(status_errors(kAllocated, kAllocated), "");
  EXPECT_EQ(status_errors("{}", kAllocated), "");
  EXPECT_EQ(status_errors(R"({"allocation":{}})", kAllocated),
            "status.allocation: Invalid value: {\"devices\":{}}: field is immutable\n");
  EXPECT_EQ(status_errors(R"({"allocation":{"devices":{"results":[{"request":"b","driver":"d.x",
                             "pool":"p","device":"v","shareID":"x"}],"config":[{"source":"Me"}]},
                             "nodeSelector":{"nodeSelectorTerms":[]}}})"),
            "status.allocation.devices.results[0].request: Invalid value: \"b\": " +
                std::string(kNoRequest) +
                "status.allocation.devices.results[0].shareID: Invalid value: \"x\": error "
                "validating uid: invalid UUID length: 1\n"
                "status.allocation.devices.config[0].source: Unsupported value: \"Me\": "
                "supported values: \"FromClaim\", \"FromClass\"\n"
                "status.allocation.devices.config[0].opaque: Required value\n"
                "status.allocation.nodeSelector.nodeSelectorTerms: Required value: must have at "
                "least one node selector term\n");
}

TEST(DeviceRules, StatusesOfDevices) {
  constexpr std::string_view kAllocation =
      R"("allocation":{"devices":{"results":[
          {"request":"a","driver":"d.x","pool":"p","device":"v"}]}})";
  std::string allocation(kAllocation);
  constexpr std::string_view kDevice = R"({"driver":"d.x","pool":"p","device":"v")";
  std::string device(kDevice);
  EXPECT_EQ(status_errors("{" + allocation + ",\"devices\":[" + device + "}," + device +
                          R"(},{"driver":"d.x","pool":"p","device":"w"}]})"),
            "status.devices[2]: Invalid value: "
            "{\"Driver\":{},\"Pool\":{},\"Device\":{},\"ShareID\":{}}: must be an allocated "
            "device in the claim\n"
            "status.devices[1]: Duplicate value: "
            "{\"Driver\":{},\"Pool\":{},\"Device\":{},\"ShareID\":{}}\n");
  EXPECT_EQ(status_errors("{" + allocation + ",\"devices\":[" + device +
                          R"(,"data":"text","networkData":{"ips":["10.0.0.1","10.0.0.1/08",
                             "::ffff:10.0.0.1/120","10.0.0.1/8","10.0.0.1/8"]}}]})"),
            "status.devices[0].data: Invalid value: \"<value omitted>\": must be a valid JSON "
            "object\n"
            "status.devices[0].networkData.ips[0]: Invalid value: \"10.0.0.1\": must be a valid "
            "address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)\n"
            "status.devices[0].networkData.ips[1]: Invalid value: \"10.0.0.1/08\": must be in "
            "canonical form (\"10.0.0.1/8\")\n"
            "status.devices[0].networkData.ips[2]: Invalid value: \"::ffff:10.0.0.1/120\": must "
            "be in canonical form (\"10.0.0.1/24\")\n"
            "status.devices[0].networkData.ips[4]: Duplicate value: \"10.0.0.1/8\"\n");
}

TEST(DeviceRules, ClassesKeepLargeParameters) {
  auto of_class = [](std::string_view spec) {
    return R"({"apiVersion":"resource.k8s.io/v1","kind":"DeviceClass","spec":)" +
           std::string(spec) + "}";
  };
  std::string large = of_class(R"({"config":[{"opaque":{"driver":"d.x","parameters":{"a":")" +
                               std::string(10240, 'a') + R"("}}}]})");
  EXPECT_EQ(rule_errors(large),
            "spec.config[0].opaque.parameters: Too long: may not be more than 10240 bytes\n");
  EXPECT_EQ(rule_errors(large, large), "");
  EXPECT_EQ(rule_errors(of_class(R"({"selectors":[{}],"extendedResourceName":"cpu"})")),
            "spec.selectors[0].cel: Required value\n"
            "spec.extendedResourceName: Invalid value: \"cpu\": must be a valid extended resource "
            "name\n");
}

TEST(DeviceRules, TemplatesHaveLabelsAndAnnotations) {
  EXPECT_EQ(rule_errors(R"({"apiVersion":"resource.k8s.io/v1","kind":"ResourceClaimTemplate",
                           "spec":{"metadata":{"name":"x","labels":{"a":"b"}},"spec":{}}})"),
            "spec.metadata.name: Forbidden: cannot be set\n");
}

TEST(SemanticVersion, FollowsTheGrammar) {
  for (std::string_view good : {"1.2.3", "0.0.0", "1.2.3-alpha.1", "1.2.3-0a+001", "1.0.0+a-b"}) {
    EXPECT_TRUE(is_semantic_version(good)) << good;
  }
  for (std::string_view bad :
       {"", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.3-a..b"}) {
    EXPECT_FALSE(is_semantic_version(bad)) << bad;
  }
}

}  // namespace
}  // namespace tiphys::apiserver
