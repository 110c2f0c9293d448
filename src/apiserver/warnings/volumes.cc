// Volumes of pods: plugins that are gone, claims with fractions, files that overlap.
#include "apiserver/warnings/warnings.h"
#include "base/strings.h"

namespace tiphys::apiserver {
namespace {

using core_v1::Volume;

struct OldPlugin {
  bool (*used)(Volume volume);
  std::string_view field;
  std::string_view text;
};

const OldPlugin kOldPlugins[] = {
    {[](Volume v) { return v.has_photon_persistent_disk(); }, "photonPersistentDisk",
     "deprecated in v1.11, non-functional in v1.16+"},
    {[](Volume v) { return v.has_git_repo(); }, "gitRepo",
     "deprecated in v1.11, and disabled by default in v1.33+"},
    {[](Volume v) { return v.has_scale_io(); }, "scaleIO",
     "deprecated in v1.16, non-functional in v1.22+"},
    {[](Volume v) { return v.has_flocker(); }, "flocker",
     "deprecated in v1.22, non-functional in v1.25+"},
    {[](Volume v) { return v.has_storageos(); }, "storageOS",
     "deprecated in v1.22, non-functional in v1.25+"},
    {[](Volume v) { return v.has_quobyte(); }, "quobyte",
     "deprecated in v1.22, non-functional in v1.25+"},
    {[](Volume v) { return v.has_glusterfs(); }, "glusterfs",
     "deprecated in v1.25, non-functional in v1.26+"},
    {[](Volume v) { return v.has_cephfs(); }, "cephfs",
     "deprecated in v1.28, non-functional in v1.31+"},
    {[](Volume v) { return v.has_rbd(); }, "rbd", "deprecated in v1.28, non-functional in v1.31+"},
};

// A file in a volume and where it comes from.
struct File {
  std::string_view path;
  std::string source;

  std::string text() const {
    std::string quoted = go_quote(path);
    return source.empty() ? quoted : quoted + " (" + source + ")";
  }
};

std::string_view without_slashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

// One is the other or stands in it as in a folder.
bool overlap(std::string_view a, std::string_view b) {
  if (a.empty() || b.empty()) return false;
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (b.size() == a.size() || b[a.size()] == '/');
}

class Files {
 public:
  // `described`: 'volume "v" (ConfigMap "c")'.
  Files(std::string described, Warnings& warnings)
      : described_(std::move(described)), warnings_(warnings) {}

  void add(std::string_view path, std::string source) {
    File file{without_slashes(path), std::move(source)};
    for (const File& other : files_) {
      if (!overlap(file.path, other.path)) continue;
      warnings_.push_back(described_ + ": overlapping paths: " + file.text() + " with " +
                          other.text());
    }
    files_.push_back(std::move(file));
  }
  template <class Items>
  void add_items(Items items, const std::string& source) {
    for (auto item : items) add(item.path(), source);
  }

 private:
  std::string described_;
  Warnings& warnings_;
  std::vector<File> files_;
};

std::string described(std::string_view name, std::string_view what) {
  return "volume " + go_quote(name) + " (" + std::string(what) + ")";
}

void add_certificate(Files& files, core_v1::PodCertificateProjection source) {
  auto add = [&](std::string_view path, std::string what) {
    if (!path.empty()) files.add(path, std::move(what));
  };
  add(source.certificate_chain_path(), "PodCertificate chain");
  add(source.key_path(), "PodCertificate key");
  add(source.credential_bundle_path(), "PodCertificate credential bundle");
}

void add_projection(Files& files, core_v1::VolumeProjection source) {
  if (source.has_config_map() && !source.config_map().items().empty()) {
    files.add_items(source.config_map().items(),
                    "ConfigMap " + go_quote(source.config_map().name()));
  } else if (source.has_secret() && !source.secret().items().empty()) {
    files.add_items(source.secret().items(), "Secret " + go_quote(source.secret().name()));
  } else if (source.has_downward_api() && !source.downward_api().items().empty()) {
    files.add_items(source.downward_api().items(), "DownwardAPI");
  } else if (source.has_service_account_token()) {
    files.add(source.service_account_token().path(), "ServiceAccountToken");
  } else if (source.has_cluster_trust_bundle()) {
    auto bundle = source.cluster_trust_bundle();
    std::string_view name = bundle.has_name() ? bundle.name() : bundle.signer_name();
    files.add(bundle.path(), "ClusterTrustBundle " + go_quote(name));
  } else if (source.has_pod_certificate()) {
    add_certificate(files, source.pod_certificate());
  }
}

void warn_of_projected(Volume volume, Warnings& warnings) {
  Files files(described(volume.name(), "Projected"), warnings);
  for (core_v1::VolumeProjection source : volume.projected().sources()) {
    if (source.node().size == 0) {
      warnings.push_back(described(volume.name(), "Projected") + " has no sources provided");
    } else {
      add_projection(files, source);
    }
  }
}

void warn_of_overlaps(Volume volume, Warnings& warnings) {
  std::string_view name = volume.name();
  if (volume.has_config_map()) {
    std::string what = "ConfigMap " + go_quote(volume.config_map().name());
    Files(described(name, what), warnings).add_items(volume.config_map().items(), "");
  }
  if (volume.has_secret()) {
    std::string what = "Secret " + go_quote(volume.secret().secret_name());
    Files(described(name, what), warnings).add_items(volume.secret().items(), "");
  }
  if (volume.has_downward_api()) {
    Files(described(name, "DownwardAPI"), warnings).add_items(volume.downward_api().items(), "");
  }
  if (volume.has_projected()) warn_of_projected(volume, warnings);
}

}  // namespace

void warn_of_volumes(core_v1::PodSpec spec, const FieldPath& path, Warnings& warnings) {
  size_t i = 0;
  for (Volume volume : spec.volumes()) {
    FieldPath at = path.child("volumes").index(i++);
    for (const OldPlugin& plugin : kOldPlugins) {
      if (plugin.used(volume)) warn(warnings, at.child(plugin.field), plugin.text);
    }
    if (volume.has_ephemeral() && volume.ephemeral().has_volume_claim_template()) {
      warn_of_claim_spec(volume.ephemeral().volume_claim_template().spec(),
                         at.child("ephemeral").child("volumeClaimTemplate").child("spec"),
                         warnings);
    }
  }
  for (Volume volume : spec.volumes()) warn_of_overlaps(volume, warnings);
}

}  // namespace tiphys::apiserver
