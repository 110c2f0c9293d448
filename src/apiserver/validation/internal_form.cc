#include "apiserver/validation/internal_form.h"

#include <algorithm>
#include <vector>

#include "apiserver/validation/unified_diff.h"
#include "base/strings.h"
#include "base/time.h"
#include "codec/codec.h"

namespace tiphys::apiserver {
namespace {

using schema::Field;
using schema::FieldKind;
using schema::Message;
using schema::Shape;

constexpr std::string_view kCore = "k8s.io.api.core.v1.";
constexpr std::string_view kMeta = "k8s.io.apimachinery.";

// Go names that are not the JSON name with a capital.
struct Renamed {
  std::string_view json;
  std::string_view go;
  std::string_view in = "";  // part of the type's name; empty: of any type
};

constexpr Renamed kRenamed[] = {
    {"apiGroup", "APIGroup"},
    {"apiVersion", "APIVersion"},
    {"awsElasticBlockStore", "AWSElasticBlockStore"},
    {"cephfs", "CephFS"},
    {"chapAuthDiscovery", "DiscoveryCHAPAuth"},
    {"chapAuthSession", "SessionCHAPAuth"},
    {"csi", "CSI"},
    {"diskURI", "DataDiskURI"},
    {"dnsConfig", "DNSConfig"},
    {"dnsPolicy", "DNSPolicy"},
    {"endpoints", "EndpointsName"},
    {"fc", "FC"},
    {"fsGroup", "FSGroup"},
    {"fsGroupChangePolicy", "FSGroupChangePolicy"},
    {"fsType", "FSType"},
    {"gcePersistentDisk", "GCEPersistentDisk"},
    {"gmsaCredentialSpec", "GMSACredentialSpec"},
    {"gmsaCredentialSpecName", "GMSACredentialSpecName"},
    {"grpc", "GRPC"},
    {"httpGet", "HTTPGet"},
    {"httpHeaders", "HTTPHeaders"},
    {"image", "RBDImage", "v1.RBD"},
    {"ip", "IP"},
    {"iqn", "IQN"},
    {"iscsi", "ISCSI"},
    {"iscsiInterface", "ISCSIInterface"},
    {"monitors", "CephMonitors", "v1.RBD"},
    {"nfs", "NFS"},
    {"os", "OS"},
    {"pdName", "PDName"},
    {"pool", "RBDPool", "v1.RBD"},
    {"rbd", "RBD"},
    {"seLinuxChangePolicy", "SELinuxChangePolicy"},
    {"seLinuxOptions", "SELinuxOptions"},
    {"sslEnabled", "SSLEnabled"},
    {"storageos", "StorageOS"},
    {"tcpSocket", "TCPSocket"},
    {"tty", "TTY"},
    {"uid", "UID"},
    {"user", "RadosUser", "v1.RBD"},
    {"wwids", "WWIDs"},
};

// Fields in another order than in v1; separated by blanks. Those that are left out have no place.
struct Order {
  std::string_view type;
  std::string_view fields;
};

constexpr Order kOrders[] = {
    {"PodSpec",
     "volumes initContainers containers ephemeralContainers restartPolicy "
     "terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector "
     "serviceAccountName automountServiceAccountToken nodeName securityContext imagePullSecrets "
     "hostname subdomain setHostnameAsFQDN affinity schedulerName tolerations hostAliases "
     "priorityClassName priority preemptionPolicy dnsConfig readinessGates runtimeClassName "
     "overhead enableServiceLinks topologySpreadConstraints os schedulingGates resourceClaims "
     "resources hostnameOverride workloadRef"},
    {"PersistentVolumeSource",
     "gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd quobyte iscsi flexVolume "
     "cinder cephfs fc flocker azureFile vsphereVolume azureDisk photonPersistentDisk "
     "portworxVolume scaleIO local storageos csi"},
    {"VolumeSource",
     "hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs "
     "persistentVolumeClaim rbd quobyte flexVolume cinder cephfs flocker downwardAPI fc azureFile "
     "configMap vsphereVolume azureDisk photonPersistentDisk projected portworxVolume scaleIO "
     "storageos csi ephemeral image"},
    {"PodSecurityContext",
     "seLinuxOptions windowsOptions runAsUser runAsGroup runAsNonRoot supplementalGroups "
     "supplementalGroupsPolicy fsGroup fsGroupChangePolicy sysctls seccompProfile appArmorProfile "
     "seLinuxChangePolicy"},
};

// Fields of v1's pod spec that the internal type has in its security context, at the front.
constexpr std::string_view kHostFields[] = {"hostNetwork", "hostPID", "hostIPC",
                                            "shareProcessNamespace", "hostUsers"};

bool is_core(const Message& type, std::string_view name) {
  return type.name.starts_with(kCore) && type.name.substr(kCore.size()) == name;
}

std::string go_name(const Message& type, std::string_view json) {
  for (const Renamed& row : kRenamed) {
    if (row.json == json && type.name.find(row.in) != std::string_view::npos) {
      return std::string(row.go);
    }
  }
  std::string name(json);
  if (name[0] >= 'a' && name[0] <= 'z') name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

std::vector<const Field*> fields_of(const Message& type) {
  std::vector<const Field*> fields;
  for (const Order& order : kOrders) {
    if (!is_core(type, order.type)) continue;
    for (std::string_view name : split(order.fields, ' ')) {
      if (const Field* field = type.find(name)) fields.push_back(field);
    }
    return fields;
  }
  for (const Field& field : type.fields) fields.push_back(&field);
  return fields;
}

class Printer {
 public:
  void structure(const Message& type, const Node& node) {
    open('{');
    members(type, node);
    close('}');
  }

  void list(const Message& type, std::span<const Node* const> items) {
    if (items.empty()) {
      out_ += "null";
      return;
    }
    open('[');
    for (const Node* item : items) {
      next();
      structure(type, *item);
    }
    close(']');
  }

  std::string take() { return std::move(out_); }
  bool is_long() const { return lines_ > kMaxDiffLines; }

 private:
  void open(char bracket) {
    out_ += bracket;
    ++depth_;
    empty_ = true;
  }

  void close(char bracket) {
    --depth_;
    if (!empty_) line();
    out_ += bracket;
    empty_ = false;
  }

  void line() {
    out_.append("\n").append(depth_, ' ');
    ++lines_;
  }

  void next() {
    if (!empty_) out_ += ',';
    line();
    empty_ = false;
  }

  void key(std::string_view name) {
    next();
    codec::append_json_string(name, out_);
    out_ += ": ";
  }

  void members(const Message& type, const Node& node) {
    if (is_core(type, "PodSpec")) pod_spec_ = &node;
    if (is_core(type, "PodSecurityContext")) host_fields();
    // Types of meta/v1 have JSON tags.
    bool tagged = type.name.starts_with(kMeta);
    for (const Field* field : fields_of(type)) {
      if (is_long()) return;
      const Value& value = node.field(type.index_of(*field));
      if (field->inlined || (field->message && type.metadata_field == type.index_of(*field))) {
        members(*field->message, value.as_node());
      } else if (!tagged) {
        key(go_name(type, field->name));
        print(*field, value);
      } else if (!value.is_null() || !field->omitempty) {
        key(field->name);
        print(*field, value);
      }
    }
  }

  void host_fields() {
    const Message& type = *schema::find_message("k8s.io.api.core.v1.PodSpec");
    for (std::string_view name : kHostFields) {
      const Field& field = *type.find(name);
      key(go_name(type, name));
      print(field, pod_spec_ ? pod_spec_->field(type.index_of(field)) : kNullValue);
    }
  }

  void print(const Field& field, const Value& value) {
    bool many = field.shape != Shape::kSingular || field.kind == FieldKind::kStringList;
    if (!many) return print_one(field, value);
    if (value.is_null()) {
      out_ += "null";
    } else if (field.shape == Shape::kMap) {
      print_map(field, value.as_node());
    } else {
      open('[');
      for (const Value& item : value.as_node().items()) {
        if (is_long()) break;
        next();
        print_one(field, item);
      }
      close(']');
    }
  }

  void print_map(const Field& field, const Node& node) {
    std::vector<uint32_t> order;
    for (uint32_t i = 0; i < node.size; i += 2) order.push_back(i);
    std::ranges::sort(order, {}, [&](uint32_t i) { return node.data[i].as_text(); });
    open('{');
    for (uint32_t i : order) {
      if (is_long()) break;
      key(node.data[i].as_text());
      print_one(field, node.data[i + 1]);
    }
    close('}');
  }

  // The security context of a pod is always there: it holds fields of the spec.
  static bool is_nil(const Field& field, const Value& value) {
    if (!value.is_null()) return false;
    if (field.message && is_core(*field.message, "PodSecurityContext")) return false;
    return field.pointer || field.kind == FieldKind::kBytes || field.kind == FieldKind::kTime;
  }

  void print_one(const Field& field, const Value& value) {
    if (is_nil(field, value)) {
      out_ += "null";
      return;
    }
    switch (field.kind) {
      case FieldKind::kMessage:
        return structure(*field.message, value.as_node());
      case FieldKind::kBool:
        out_ += value.as_bool() ? "true" : "false";
        return;
      case FieldKind::kBytes:
        return codec::append_json_string(base64_encode(value.as_text()), out_);
      case FieldKind::kTime:
        return codec::append_json_string(format_rfc3339(MicroTime{value.as_int()}), out_);
      case FieldKind::kQuantity:
        return codec::append_json_string(value.is_null() ? "0" : value.as_text(), out_);
      default:
        break;
    }
    if (value.is_text() || (value.is_null() && field.kind == FieldKind::kString)) {
      codec::append_json_string(value.as_text(), out_);
    } else {
      out_ += std::to_string(value.as_int());
    }
  }

  std::string out_;
  size_t depth_ = 0;
  size_t lines_ = 1;
  bool empty_ = true;
  const Node* pod_spec_ = nullptr;
};

std::string difference(Printer before, Printer after) {
  if (before.is_long() || after.is_long()) return {};
  return unified_diff(before.take(), after.take());
}

}  // namespace

std::string internal_form(const schema::Message& type, const Node& node) {
  Printer printer;
  printer.structure(type, node);
  return printer.take();
}

std::string internal_diff(const schema::Message& type, const Node& before, const Node& after) {
  Printer a;
  Printer b;
  a.structure(type, before);
  b.structure(type, after);
  return difference(std::move(a), std::move(b));
}

std::string internal_diff(const schema::Message& type, std::span<const Node* const> before,
                          std::span<const Node* const> after) {
  Printer a;
  Printer b;
  a.list(type, before);
  b.list(type, after);
  return difference(std::move(a), std::move(b));
}

}  // namespace tiphys::apiserver
