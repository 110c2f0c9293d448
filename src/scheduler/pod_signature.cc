#include "scheduler/pod_signature.h"

#include "kinds/metadata.h"

namespace tiphys::scheduler {
namespace {

// Fields and items end with a byte that no value holds, lists with another.
class Text {
 public:
  Text& add(std::string_view value) {
    out_.append(value).append(1, '\x1f');
    return *this;
  }
  Text& add(int64_t value) { return add(std::string_view(std::to_string(value))); }
  void end() { out_ += '\x1e'; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

void add_requests(Text& text, const PodInfo& pod) {
  const Resources& wants = pod.requests;
  text.add(wants.milli_cpu).add(wants.memory).add(wants.ephemeral_storage);
  for (const auto& [name, amount] : wants.others) text.add(name).add(amount);
  text.end();
  for (const HostPort& port : pod.ports) text.add(port.ip).add(port.protocol).add(port.port);
  text.end();
}

void add_node_wishes(Text& text, const PodInfo& pod) {
  text.add(pod.node_name).add(pod.node_selector.text()).add(pod.has_required_terms ? 1 : 0);
  for (const NodeTerm& term : pod.required_terms) {
    text.add(term.labels.text());
    text.add(LabelMatch{term.name_fields}.text());
  }
  text.end();
  for (const Toleration& toleration : pod.tolerations) {
    text.add(toleration.key).add(toleration.value).add(toleration.effect);
    text.add(toleration.exists ? 1 : 0);
  }
  text.end();
}

void add_term(Text& text, const PodAffinityTerm& term) {
  text.add(term.topology_key);
  for (const std::string& ns : term.match.namespaces) text.add(ns);
  text.end();
  text.add(term.match.namespace_selector ? "+" + term.match.namespace_selector->text() : "");
  text.add(term.match.labels ? "+" + term.match.labels->text() : "");
}

void add_pod_wishes(Text& text, const PodInfo& pod) {
  for (const SpreadConstraint& constraint : pod.spread) {
    if (!constraint.hard) continue;
    text.add(constraint.topology_key).add(constraint.max_skew).add(constraint.min_domains);
    text.add(constraint.honor_node_affinity ? 1 : 0).add(constraint.honor_taints ? 1 : 0);
    text.add(constraint.labels ? "+" + constraint.labels->text() : "");
  }
  text.end();
  for (const auto* terms : {&pod.affinity, &pod.anti_affinity}) {
    for (const PodAffinityTerm& term : *terms) add_term(text, term);
    text.end();
  }
}

// Claims and disks are told apart by the pod they belong to.
bool has_volumes_of_its_own(const PodInfo& pod) {
  for (core_v1::Volume volume : pod.view().spec().volumes()) {
    if (!volume.has_projected() && !volume.has_config_map() && !volume.has_secret() &&
        !volume.has_empty_dir() && !volume.has_downward_api() && !volume.has_host_path()) {
      return true;
    }
  }
  return !pod.view().spec().resource_claims().empty();
}

}  // namespace

std::string pod_signature(const PodInfo& pod, bool by_controller) {
  Text text;
  text.add(pod.scheduler_name).add(pod.ns).add(pod.priority).add(pod.never_preempts ? 1 : 0);
  for (auto [key, value] : pod.labels) text.add(key).add(value);
  text.end();
  add_requests(text, pod);
  add_node_wishes(text, pod);
  add_pod_wishes(text, pod);
  if (by_controller && pod.spread.empty()) text.add(controller_of(pod.view().metadata()).uid());
  text.end();
  if (has_volumes_of_its_own(pod)) text.add(pod.uid);
  return text.take();
}

}  // namespace tiphys::scheduler
