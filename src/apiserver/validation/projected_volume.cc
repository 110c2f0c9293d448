// Sources of projected volumes: one a source, and no path twice.
#include "apiserver/validation/checks.h"
#include "apiserver/validation/container_parts.h"
#include "apiserver/validation/rule_calls.h"
#include "apiserver/validation/rules.h"
#include "apiserver/validation/selectors.h"
#include "apiserver/validation/signer_name.h"
#include "apiserver/validation/volume.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

constexpr std::string_view kVolumeFields[] = {"metadata.annotations", "metadata.labels",
                                              "metadata.name", "metadata.namespace",
                                              "metadata.uid"};
constexpr std::string_view kKeyTypes[] = {"RSA3072",   "RSA4096",   "ECDSAP256",
                                          "ECDSAP384", "ECDSAP521", "ED25519"};
constexpr int64_t kMinTokenSeconds = 600;
constexpr int64_t kMaxTokenSeconds = int64_t{1} << 32;
constexpr int64_t kMinCertificateSeconds = 3600;
constexpr int64_t kMaxCertificateSeconds = int64_t{91} * 86400;
constexpr int64_t kMaxKubernetesCertificateSeconds = 86400;

class Projected {
 public:
  Projected(const FieldPath& path, bool any_token_path, FieldErrors& errors)
      : path_(path), any_token_path_(any_token_path), errors_(errors) {}

  void validate(core_v1::VolumeProjection source, const FieldPath& at) {
    if (source.has_secret()) {
      items(source.secret().name(), source.secret().items(), at.child("secret"));
    }
    if (source.has_config_map()) {
      items(source.config_map().name(), source.config_map().items(), at.child("configMap"));
    }
    if (source.has_downward_api()) {
      for (core_v1::DownwardAPIVolumeFile file : source.downward_api().items()) {
        validate_downward_file(file, at.child("downwardAPI"), errors_);
        if (!file.path().empty()) claim(file.path(), file.path());
      }
    }
    if (source.has_service_account_token()) {
      token(source.service_account_token(), at.child("serviceAccountToken"));
    }
    if (source.has_cluster_trust_bundle()) {
      trust_bundle(source.cluster_trust_bundle(), at.child("clusterTrustBundle"));
    }
    if (source.has_pod_certificate()) {
      certificate(source.pod_certificate(), at.child("podCertificate"));
    }
    if (source.node().size > 1) {
      errors_.forbidden(at, "may not specify more than 1 volume type per source");
    }
  }

  static void validate_downward_file(core_v1::DownwardAPIVolumeFile file, const FieldPath& path,
                                     FieldErrors& errors) {
    if (file.path().empty()) errors.required(path.child("path"));
    check_local_path(file.path(), path.child("path"), errors);
    if (file.has_field_ref()) {
      validate_field_ref(file.field_ref(), kVolumeFields, path.child("fieldRef"), errors);
      if (file.has_resource_field_ref()) {
        errors.invalid(path, "resource",
                       "fieldRef and resourceFieldRef can not be specified simultaneously");
      }
    } else if (file.has_resource_field_ref()) {
      validate_resource_field_ref(file.resource_field_ref(), true, path.child("resourceFieldRef"),
                                  errors);
    } else {
      errors.required(path, "one of fieldRef and resourceFieldRef is required");
    }
    if (file.has_mode() && (file.mode() < 0 || file.mode() > 0777)) {
      errors.invalid(path.child("mode"), file.mode(),
                     "must be a number between 0 and 0777 (octal), both inclusive");
    }
  }

 private:
  // `owner` is what upstream prints.
  void claim(std::string_view file, std::string_view owner) {
    if (!taken_.insert(file).second) errors_.invalid(path_, owner, "conflicting duplicate paths");
  }

  void items(std::string_view name, const ListView<core_v1::KeyToPath>& list, const FieldPath& at) {
    if (name.empty()) errors_.required(at.child("name"));
    for (size_t i = 0; i < list.size(); ++i) {
      validate_part(core_v1::KeyToPath::message_type(), list[i].node(), at.child("items").index(i),
                    errors_);
      if (!list[i].path().empty()) claim(list[i].path(), name);
    }
  }

  void token(core_v1::ServiceAccountTokenProjection token, const FieldPath& at) {
    int64_t seconds = token.expiration_seconds();
    FieldPath expiration = at.child("expirationSeconds");
    if (seconds < kMinTokenSeconds) {
      errors_.invalid(expiration, seconds, "may not specify a duration less than 10 minutes");
    }
    if (seconds > kMaxTokenSeconds) {
      errors_.invalid(expiration, seconds, "may not specify a duration larger than 2^32 seconds");
    }
    // Upstream names the volume's path, not the source's.
    if (token.path().empty()) {
      errors_.required(path_.child("path"));
    } else if (!any_token_path_) {
      check_local_path(token.path(), path_.child("path"), errors_);
    }
  }

  void trust_bundle(core_v1::ClusterTrustBundleProjection bundle, const FieldPath& at) {
    if (bundle.has_name() && bundle.has_signer_name()) {
      errors_.invalid_raw(at, printed(bundle), "only one of name and signerName may be used");
    } else if (bundle.has_name()) {
      named_bundle(bundle, at);
    } else if (bundle.has_signer_name()) {
      FieldPath signer = at.child("signerName");
      if (bundle.signer_name().empty()) errors_.required(signer, "must be a valid signer name");
      check_signer_name(bundle.signer_name(), signer, errors_);
      validate_label_selector(bundle.label_selector(), at.child("labelSelector"), errors_);
    } else {
      errors_.required(at, "either name or signerName must be specified");
    }
    if (bundle.path().empty()) errors_.required(at.child("path"));
    check_local_path(bundle.path(), at.child("path"), errors_);
    claim(bundle.path(), bundle.path());
  }

  void named_bundle(core_v1::ClusterTrustBundleProjection bundle, const FieldPath& at) {
    FieldPath name = at.child("name");
    if (bundle.name().empty()) errors_.required(name, "must be a valid object name");
    for (const std::string& message : check_trust_bundle_name(bundle.name())) {
      errors_.invalid(name, bundle.name(), "not a valid clustertrustbundlename: " + message);
    }
    if (bundle.has_label_selector()) {
      const schema::Message& type = core_v1::ClusterTrustBundleProjection::message_type();
      errors_.invalid_raw(at.child("labelSelector"),
                          printed_field(type, bundle.node(), "labelSelector"),
                          "labelSelector must be unset if name is specified");
    }
  }

  static std::string printed(core_v1::ClusterTrustBundleProjection bundle) {
    std::string json;
    codec::encode_json(core_v1::ClusterTrustBundleProjection::message_type(), bundle.node(), json);
    return json;
  }

  void certificate(core_v1::PodCertificateProjection projection, const FieldPath& at) {
    check_signer_name(projection.signer_name(), at.child("signerName"), errors_);
    check_supported(projection.key_type(), kKeyTypes, at.child("keyType"), errors_);
    if (projection.has_max_expiration_seconds()) {
      expiration(projection, at.child("maxExpirationSeconds"));
    }
    int paths = own_path(projection.credential_bundle_path(), at.child("credentialBundlePath")) +
                own_path(projection.key_path(), at.child("keyPath")) +
                own_path(projection.certificate_chain_path(), at.child("certificateChainPath"));
    if (paths == 0) {
      errors_.required(at,
                       "specify at least one of credentialBundlePath, keyPath, and "
                       "certificateChainPath");
    }
  }

  void expiration(core_v1::PodCertificateProjection projection, const FieldPath& at) {
    int64_t seconds = projection.max_expiration_seconds();
    int64_t most = is_kubernetes_signer(projection.signer_name()) ? kMaxKubernetesCertificateSeconds
                                                                  : kMaxCertificateSeconds;
    if (seconds < kMinCertificateSeconds) {
      errors_.invalid(at, seconds, "if provided, maxExpirationSeconds must be >= 3600");
    }
    if (seconds > most) {
      errors_.invalid(at, seconds,
                      "if provided, maxExpirationSeconds must be <= " + std::to_string(most));
    }
  }

  int own_path(std::string_view text, const FieldPath& at) {
    if (text.empty()) return 0;
    check_local_path(text, at, errors_);
    claim(text, text);
    return 1;
  }

  FieldPath path_;
  bool any_token_path_;
  FieldErrors& errors_;
  std::set<std::string_view> taken_;
};

}  // namespace

void validate_projected(core_v1::ProjectedVolumeSource source, bool any_token_path,
                        const FieldPath& path, FieldErrors& errors) {
  Projected projected(path, any_token_path, errors);
  for (size_t i = 0; i < source.sources().size(); ++i) {
    projected.validate(source.sources()[i], path.child("sources").index(i));
  }
}

// Upstream leaves the items' index out of the path.
void call_downward_files(const RuleInput& input, FieldErrors& errors) {
  for (const Value& item : input.value.as_node().items()) {
    Projected::validate_downward_file(core_v1::DownwardAPIVolumeFile(item.as_node()), input.path,
                                      errors);
  }
}

}  // namespace tiphys::apiserver
