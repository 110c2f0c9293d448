// YAML in and out as sigs.k8s.io/yaml does it: by way of JSON. Internal to codec/ (yaml_to_json is
// in codec.h).
//
// Input goes through libyaml's events and a composer of our own: go-yaml v2 scalar resolution,
// merge keys, an alias budget against "billion laughs", bounded depth.
#pragma once
#include <string>
#include <string_view>

#include "codec/codec.h"

namespace tiphys::codec {

// Block style, keys in go-yaml's order. Requires: valid JSON. Appends to out, with a final newline.
void json_to_yaml(std::string_view json, std::string& out);

}  // namespace tiphys::codec
