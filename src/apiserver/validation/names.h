// Name formats of the API and upstream's wording of what is wrong with a text.
// Source: k8s.io/apimachinery/pkg/util/validation (v0.35). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tiphys::apiserver {

using Messages = std::vector<std::string>;  // empty: valid

Messages check_dns1123_label(std::string_view text);
Messages check_dns1123_subdomain(std::string_view text);
Messages check_subdomain_with_underscore(std::string_view text);
Messages check_dns1035_label(std::string_view text);
Messages check_qualified_name(std::string_view text);
Messages check_label_value(std::string_view text);
Messages check_env_var_name(std::string_view text);  // relaxed rules, GA in v1.34
Messages check_config_map_key(std::string_view text);
Messages check_port_number(int64_t port);
Messages check_port_name(std::string_view text);         // IANA_SVC_NAME
Messages check_condition_reason(std::string_view text);  // of metav1.Condition
Messages check_percent(std::string_view text);
Messages check_http_header_name(std::string_view text);
Messages check_user_or_group_id(int64_t id);
// As fields read them that were there before parsing was strict: octets may have leading zeros.
Messages check_ip(std::string_view text);
Messages check_cidr(std::string_view text);
Messages check_wildcard_subdomain(std::string_view text);  // "*.example.com"
// Names as path segments: no "/", no "%", not "." or "..".
Messages check_path_segment(std::string_view text);
// apimachinery's NameIsDNSSubdomain with `prefix` (generateName): a trailing '-' is masked.
Messages check_name_is_subdomain(std::string_view text, bool prefix);
Messages check_name_is_dns1123_label(std::string_view text, bool prefix);
Messages check_name_is_dns1035_label(std::string_view text, bool prefix);

}  // namespace tiphys::apiserver
