// What rows of volume sources call (pkg/apis/core/validation upstream).
#include "apiserver/validation/checks.h"
#include "apiserver/validation/persistent_volume_claim.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/selectors.h"
#include "base/strings.h"
#include "kinds/core_v1.h"
#include "object/quantity.h"

namespace tiphys::apiserver {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool all_alnum(std::string_view text, size_t length) {
  return text.size() == length && std::ranges::all_of(text, is_alnum);
}

// iqn.2004-01.com.example[:name]; the pattern is not anchored at its start.
bool is_iqn_at(std::string_view text) {
  constexpr std::string_view kForm = "iqn.dddd-dd.";
  if (text.size() <= kForm.size()) return false;
  for (size_t i = 0; i < kForm.size(); ++i) {
    bool digit = kForm[i] == 'd';
    if (digit ? !is_digit(text[i]) : text[i] != kForm[i]) return false;
  }
  std::string_view rest = text.substr(kForm.size());
  size_t colon = rest.find(':');
  std::string_view authority = rest.substr(0, colon);
  bool valid = !authority.empty() && std::ranges::all_of(authority, [](char c) {
    return is_alnum(c) || c == '-' || c == '.';
  });
  if (!valid || colon == std::string_view::npos) return false;
  std::string_view name = rest.substr(colon + 1);
  return !name.empty() && name.find_first_of(",;*&$| \t\n\r\f\v") == std::string_view::npos;
}

bool is_iqn(std::string_view text) {
  for (size_t at = text.find("iqn."); at != std::string_view::npos;
       at = text.find("iqn.", at + 1)) {
    if (is_iqn_at(text.substr(at))) return true;
  }
  return false;
}

bool is_initiator(std::string_view text) {
  if (text.starts_with("iqn")) return is_iqn(text);
  if (text.starts_with("eui")) return all_alnum(text.substr(std::min<size_t>(4, text.size())), 16);
  return all_alnum(text.substr(std::min<size_t>(4, text.size())), 32);
}

// Without one of the three families upstream words it longer in pods than in persistent volumes.
void check_initiator(std::string_view text, std::string_view unknown, const FieldPath& path,
                     FieldErrors& errors) {
  bool known = text.starts_with("iqn") || text.starts_with("eui") || text.starts_with("naa");
  if (!known) {
    errors.invalid(path, text, unknown);
  } else if (!is_initiator(text)) {
    errors.invalid(path, text, "must be valid format");
  }
}

template <class SourceView>
void check_iscsi(SourceView source, std::string_view unknown, const FieldPath& path,
                 FieldErrors& errors) {
  if (source.target_portal().empty()) errors.required(path.child("targetPortal"));
  if (source.iqn().empty()) {
    errors.required(path.child("iqn"));
  } else {
    check_initiator(source.iqn(), unknown, path.child("iqn"), errors);
  }
  if (source.lun() < 0 || source.lun() > 255) {
    errors.invalid(path.child("lun"), source.lun(), "must be between 0 and 255, inclusive");
  }
  bool authenticated = source.chap_auth_discovery() || source.chap_auth_session();
  if (authenticated && !source.has_secret_ref()) errors.required(path.child("secretRef"));
  if (source.has_initiator_name()) {
    check_initiator(source.initiator_name(), unknown, path.child("initiatorname"), errors);
  }
}

bool is_host_port(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) return host.ends_with(']') && host.find(']') == host.size() - 1;
  return host.find_first_of(":[]") == std::string_view::npos;
}

}  // namespace

void call_no_backsteps(const RuleInput& input, FieldErrors& errors) {
  check_no_backsteps(input.value.as_text(), input.path, errors);
}

void call_relative_path(const RuleInput& input, FieldErrors& errors) {
  check_relative_path(input.value.as_text(), input.path, errors);
}

void call_local_path(const RuleInput& input, FieldErrors& errors) {
  check_local_path(input.value.as_text(), input.path, errors);
}

void call_absolute_path(const RuleInput& input, FieldErrors& errors) {
  if (input.value.as_text().starts_with('/')) return;
  errors.invalid(input.path, input.value.as_text(), "must be an absolute path");
}

// A text behind a pointer: it may be absent, not empty.
void call_set_not_empty(const RuleInput& input, FieldErrors& errors) {
  if (!input.value.is_null() && input.value.as_text().empty()) errors.required(input.path);
}

void call_port_reference(const RuleInput& input, FieldErrors& errors) {
  check_port_reference(input.value, input.path, errors);
}

// Upstream leaves the headers' index out of the path.
void call_http_headers(const RuleInput& input, FieldErrors& errors) {
  for (const Value& item : input.value.as_node().items()) {
    std::string_view name = core_v1::HTTPHeader(item.as_node()).name();
    errors.invalid_all(input.path, name, check_http_header_name(name));
  }
}

void call_empty_dir_size(const RuleInput& input, FieldErrors& errors) {
  if (Quantity::of(input.value.as_text()).sign() >= 0) return;
  errors.forbidden(input.path, "SizeLimit field must be a valid resource quantity");
}

void call_iscsi(const RuleInput& input, FieldErrors& errors) {
  check_iscsi(core_v1::ISCSIVolumeSource(input.value.as_node()),
              "must be valid format starting with iqn, eui, or naa", input.path, errors);
}

void call_persistent_iscsi(const RuleInput& input, FieldErrors& errors) {
  core_v1::ISCSIPersistentVolumeSource source(input.value.as_node());
  check_iscsi(source, "must be valid format", input.path, errors);
  if (source.has_secret_ref() && source.secret_ref().name().empty()) {
    errors.required(input.path.child("secretRef").child("name"));
  }
}

void call_fc(const RuleInput& input, FieldErrors& errors) {
  core_v1::FCVolumeSource source(input.value.as_node());
  FieldPath names = input.path.child("targetWWNs");
  bool by_name = !source.target_wwns().empty();
  if (!by_name && source.wwids().empty()) {
    errors.required(names, "must specify either targetWWNs or wwids, but not both");
  }
  if (!by_name) return;
  if (!source.wwids().empty()) {
    errors.invalid_raw(
        names, printed_field(core_v1::FCVolumeSource::message_type(), source.node(), "targetWWNs"),
        "targetWWNs and wwids can not be specified simultaneously");
  }
  FieldPath lun = input.path.child("lun");
  if (!source.has_lun()) {
    errors.required(lun, "lun is required if targetWWNs is specified");
  } else if (source.lun() < 0 || source.lun() > 255) {
    errors.invalid(lun, source.lun(), "must be between 0 and 255, inclusive");
  }
}

void call_quobyte(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kForm =
      "must be a host:port pair or multiple pairs separated by commas";
  constexpr size_t kMaxTenantBytes = 64;
  core_v1::QuobyteVolumeSource source(input.value.as_node());
  FieldPath registry = input.path.child("registry");
  if (source.registry().empty()) {
    errors.required(registry, kForm);
  } else if (source.tenant().size() > kMaxTenantBytes) {
    errors.required(input.path.child("tenant"),
                    "must be a UUID and may not exceed a length of 64 characters");
  } else {
    for (std::string_view pair : split(source.registry(), ',')) {
      if (!is_host_port(pair)) errors.invalid(registry, source.registry(), kForm);
    }
  }
  if (source.volume().empty()) errors.required(input.path.child("volume"));
}

void call_flocker(const RuleInput& input, FieldErrors& errors) {
  core_v1::FlockerVolumeSource source(input.value.as_node());
  std::string_view name = source.dataset_name();
  if (name.empty() && source.dataset_uuid().empty()) {
    errors.required(input.path, "one of datasetName and datasetUUID is required");
  }
  if (!name.empty() && !source.dataset_uuid().empty()) {
    errors.invalid(input.path, "resource",
                   "datasetName and datasetUUID can not be specified simultaneously");
  }
  if (name.find('/') != std::string_view::npos) {
    errors.invalid(input.path.child("datasetName"), name, "must not contain '/'");
  }
}

void call_flex_options(const RuleInput& input, FieldErrors& errors) {
  for (auto [key, value] : MapView<std::string_view>(input.value.as_node())) {
    std::string domain = "." + to_lower(key.substr(0, key.find('/')));
    if (!domain.ends_with(".kubernetes.io") && !domain.ends_with(".k8s.io")) continue;
    errors.invalid(input.path.key(key), key, "kubernetes.io and k8s.io namespaces are reserved");
  }
}

void call_azure_disk_uri(const RuleInput& input, FieldErrors& errors) {
  constexpr std::string_view kManaged[] = {
      "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/"
      "{disk-id}"};
  constexpr std::string_view kBlob[] = {
      "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"};
  core_v1::AzureDiskVolumeSource source(input.value.as_node());
  if (!source.has_kind()) return;
  std::string_view uri = source.disk_uri();
  FieldPath at = input.path.child("diskURI");
  bool managed = source.kind() == "Managed";
  if (managed && !uri.starts_with("/subscriptions/")) errors.not_supported(at, uri, kManaged);
  if (!managed && !uri.starts_with("https://")) errors.not_supported(at, uri, kBlob);
}

void call_csi_driver_name(const RuleInput& input, FieldErrors& errors) {
  check_driver_name(input.value.as_text(), input.path, errors);
}

// Upstream names the volume's field "name" for a name that is no secret's.
void call_csi_secret(const RuleInput& input, FieldErrors& errors) {
  core_v1::CSIVolumeSource source(input.value.as_node());
  if (!source.has_node_publish_secret_ref()) return;
  std::string_view name = source.node_publish_secret_ref().name();
  if (name.empty()) {
    errors.required(input.path.child("nodePublishSecretRef").child("name"));
  } else {
    errors.invalid_all(input.path.child("name"), name, check_dns1123_subdomain(name));
  }
}

void call_claim_template(const RuleInput& input, FieldErrors& errors) {
  core_v1::PersistentVolumeClaimTemplate claim(input.value.as_node());
  validate_template_metadata(claim.metadata(), input.path.child("metadata"), errors);
  validate_claim_spec(claim.spec(), {}, input.path.child("spec"), errors);
}

}  // namespace tiphys::apiserver
