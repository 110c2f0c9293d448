#include "apiserver/validation/secret.h"

#include "apiserver/validation/checks.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr size_t kTotalBytes = 1024 * 1024;  // of a ConfigMap's or Secret's data
constexpr std::string_view kImmutable = "field is immutable when `immutable` is set";
constexpr std::string_view kAccountName = "kubernetes.io/service-account.name";

bool same_map(const MapView<std::string_view>& a, const MapView<std::string_view>& b) {
  return equal(Value::of_node(ValueType::kMap, const_cast<Node*>(&a.node())),
               Value::of_node(ValueType::kMap, const_cast<Node*>(&b.node())));
}

size_t validate_keys(const MapView<std::string_view>& data, const FieldPath& path,
                     FieldErrors& errors) {
  size_t total = 0;
  for (auto [key, value] : data) {
    errors.invalid_all(path.key(key), key, check_config_map_key(key));
    total += value.size();
  }
  return total;
}

void require_keys(core_v1::Secret secret, std::initializer_list<std::string_view> keys,
                  FieldErrors& errors) {
  for (std::string_view key : keys) {
    if (!secret.data().contains(key)) errors.required(FieldPath("data").key(key));
  }
}

// What Go's decoder calls a value that is no object.
std::string json_noun(const Value& value) {
  if (value.type == ValueType::kList) return "array";
  if (value.type == ValueType::kString) return "string";
  return value.type == ValueType::kBool ? "bool" : "number";
}

// A JSON object, as docker's configuration files are.
void require_json(core_v1::Secret secret, std::string_view key, FieldErrors& errors) {
  FieldPath at = FieldPath("data").key(key);
  if (!secret.data().contains(key)) {
    errors.required(at);
    return;
  }
  Arena arena;
  Result<Value> json = codec::decode_json_any(secret.data().find(key), arena);
  std::string problem;
  if (!json) {
    problem = json.error().message();
  } else if (json->type != ValueType::kMap && !json->is_null()) {
    problem = "json: cannot unmarshal " + json_noun(*json) +
              " into Go value of type map[string]interface {}";
  }
  if (!problem.empty()) errors.invalid(at, "<secret contents redacted>", problem);
}

void validate_type(core_v1::Secret secret, FieldErrors& errors) {
  std::string_view type = secret.type();
  if (type == "kubernetes.io/service-account-token") {
    if (secret.metadata().annotations().find(kAccountName).empty()) {
      errors.required(FieldPath("metadata.annotations").key(kAccountName));
    }
  } else if (type == "kubernetes.io/dockercfg") {
    require_json(secret, ".dockercfg", errors);
  } else if (type == "kubernetes.io/dockerconfigjson") {
    require_json(secret, ".dockerconfigjson", errors);
  } else if (type == "kubernetes.io/basic-auth") {
    if (!secret.data().contains("username") && !secret.data().contains("password")) {
      require_keys(secret, {"username", "password"}, errors);
    }
  } else if (type == "kubernetes.io/ssh-auth") {
    if (secret.data().find("ssh-privatekey").empty()) {
      errors.required(FieldPath("data").key("ssh-privatekey"));
    }
  } else if (type == "kubernetes.io/tls") {
    require_keys(secret, {"tls.crt", "tls.key"}, errors);
  }
}

}  // namespace

void validate_config_map(core_v1::ConfigMap config_map, const core_v1::ConfigMap* old,
                         FieldErrors& errors) {
  if (old && old->immutable()) {
    if (!config_map.immutable()) errors.forbidden(FieldPath("immutable"), kImmutable);
    if (!same_map(config_map.data(), old->data())) errors.forbidden(FieldPath("data"), kImmutable);
    if (!same_map(config_map.binary_data(), old->binary_data())) {
      errors.forbidden(FieldPath("binaryData"), kImmutable);
    }
  }
  FieldPath data("data");
  size_t total = validate_keys(config_map.data(), data, errors);
  for (auto [key, value] : config_map.data()) {
    if (!config_map.binary_data().contains(key)) continue;
    errors.invalid(data.key(key), key, "duplicate of key present in binaryData");
  }
  total += validate_keys(config_map.binary_data(), FieldPath("binaryData"), errors);
  if (total > kTotalBytes) errors.too_long(FieldPath::whole_object(), kTotalBytes);
}

void validate_secret(core_v1::Secret secret, const core_v1::Secret* old, FieldErrors& errors) {
  if (old) {
    if (secret.type() != old->type()) {
      errors.invalid(FieldPath("type"), secret.type(), "field is immutable");
    }
    if (old->immutable()) {
      if (!secret.immutable()) errors.forbidden(FieldPath("immutable"), kImmutable);
      if (!same_map(secret.data(), old->data())) errors.forbidden(FieldPath("data"), kImmutable);
    }
  }
  size_t total = validate_keys(secret.data(), FieldPath("data"), errors);
  if (total > kTotalBytes) errors.too_long(FieldPath("data"), kTotalBytes);
  validate_type(secret, errors);
}

}  // namespace tiphys::apiserver
