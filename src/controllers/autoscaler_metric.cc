#include "controllers/autoscaler_metric.h"

#include <functional>

#include "controllers/resources.h"
#include "controllers/selector_text.h"
#include "kinds/label_selector.h"
#include "kinds/metadata.h"
#include "object/quantity.h"

namespace tiphys::controllers {

namespace {

using autoscaling_v2::MetricIdentifier;
using autoscaling_v2::MetricSpec;
using autoscaling_v2::MetricStatusEdit;
using autoscaling_v2::MetricTarget;
using autoscaling_v2::MetricValueStatusEdit;
using std::string;

ApiStatus failure(string text) { return ApiStatus::internal(text); }

int64_t milli(std::string_view quantity) { return Quantity::of(quantity).milli_value(); }
string milli_text(int64_t value) { return Quantity::milli(value).text(); }

string debug_text(const MetricIdentifier& metric) {
  return metric.has_selector() ? selector_text(metric.selector()) : "nil";
}

Result<string> query_selector(const MetricIdentifier& metric) {
  TIPHYS_TRY(LabelSelector, selector, to_selector(metric.has_selector(), metric.selector()));
  return selector.text();
}

void copy_metric(autoscaling_v2::MetricIdentifierEdit to, const MetricIdentifier& from) {
  to.set_name(from.name());
  if (from.has_selector()) to.set_selector(from.selector());
}

MetricSpec metric_at(const Object& autoscaler, size_t index) {
  return autoscaling_v2::HorizontalPodAutoscaler(autoscaler).spec().metrics()[index];
}

Figures of_pods(PodMetrics metrics) { return {std::move(metrics), 0}; }
Figures of_value(int64_t value) { return {{}, value}; }

Task<Result<Figures>> ask_usage(MetricsSource& source, string resource, string ns, string selector,
                                string container) {
  auto metrics = co_await source.resource_usage(resource, ns, selector, container);
  if (metrics) co_return of_pods(std::move(*metrics));
  co_return failure("unable to get metrics for resource " + resource + ": " +
                    metrics.error().message());
}

Task<Result<Figures>> ask_pods(MetricsSource& source, string metric, string ns, string selector,
                               Result<string> metric_selector) {
  if (!metric_selector) co_return metric_selector.error();
  auto metrics = co_await source.pods_metric(metric, ns, selector, *metric_selector);
  if (metrics) co_return of_pods(std::move(*metrics));
  co_return failure("unable to get metric " + metric + ": " + metrics.error().message());
}

Task<Result<Figures>> ask_object(MetricsSource& source, string metric, string ns,
                                 MetricsSource::Described object, Result<string> metric_selector) {
  if (!metric_selector) co_return metric_selector.error();
  auto value = co_await source.object_metric(metric, ns, object, *metric_selector);
  if (value) co_return of_value(*value);
  // In upstream's order, odd as it reads.
  co_return failure("unable to get metric " + metric + ": " + object.kind + " on " + ns + " " +
                    object.name + "/" + value.error().message());
}

Task<Result<Figures>> ask_external(MetricsSource& source, string metric, string ns,
                                   Result<string> metric_selector, string shown) {
  if (!metric_selector) co_return metric_selector.error();
  auto values = co_await source.external_metric(metric, ns, *metric_selector);
  if (values) co_return of_value(saturated_sum(*values));
  co_return failure("unable to get external metric " + ns + "/" + metric + "/" + shown + ": " +
                    values.error().message());
}

Task<Result<Figures>> ask_nothing() { co_return Figures(); }

MetricsSource::Described described(const autoscaling_v2::CrossVersionObjectReference& reference) {
  return {string(group_of(reference.api_version())), string(reference.kind()),
          string(reference.name())};
}

// Everything that the proposals below look at.
struct Input {
  const MetricSpec& spec;
  const Figures& figures;
  const ScaledPods& scaled;
  int32_t status_replicas;
};

// Of a resource of pods, or of one container of each. Fills in `name`, and the status's current.
Result<Proposal> resource_proposal(const Input& input, const MetricTarget& target,
                                   std::string_view resource, std::string_view container,
                                   string& name, MetricValueStatusEdit current) {
  string text(resource);
  if (target.has_average_value()) {
    name = text + " resource";
    auto raw =
        average_proposal(input.scaled, input.figures.pods, milli(target.average_value()), resource);
    if (!raw) return failure("failed to get " + text + " usage: " + raw.error().message());
    current.set_average_value(milli_text(raw->usage));
    return raw;
  }
  if (!target.has_average_utilization()) {
    return failure(
        "invalid resource metric source: neither an average utilization target nor an average "
        "value (usage) target was set");
  }
  name = text + (container.empty() ? "" : " container") +
         " resource utilization (percentage of request)";
  auto relative = utilization_proposal(input.scaled, input.figures.pods,
                                       target.average_utilization(), resource, container);
  if (!relative)
    return failure("failed to get " + text + " utilization: " + relative.error().message());
  current.set_average_utilization(relative->utilization);
  current.set_average_value(milli_text(relative->usage));
  return relative;
}

Result<Proposal> propose_resource(const Input& input, string& name, MetricStatusEdit status) {
  auto source = input.spec.resource();
  auto edit = status.edit_resource();
  edit.set_name(source.name());
  return resource_proposal(input, source.target(), source.name(), "", name, edit.edit_current());
}

Result<Proposal> propose_container(const Input& input, string& name, MetricStatusEdit status) {
  auto source = input.spec.container_resource();
  auto edit = status.edit_container_resource();
  edit.set_name(source.name());
  edit.set_container(source.container());
  return resource_proposal(input, source.target(), source.name(), source.container(), name,
                           edit.edit_current());
}

Result<Proposal> propose_pods(const Input& input, string& name, MetricStatusEdit status) {
  auto source = input.spec.pods();
  name = "pods metric " + string(source.metric().name());
  auto proposal = average_proposal(input.scaled, input.figures.pods,
                                   milli(source.target().average_value()), "");
  if (!proposal) return proposal;
  copy_metric(status.edit_pods().edit_metric(), source.metric());
  status.edit_pods().edit_current().set_average_value(milli_text(proposal->usage));
  return proposal;
}

// Upstream names a shared metric of an object as an external one.
string external_name(const MetricIdentifier& metric) {
  return "external metric " + string(metric.name()) + "(" + debug_text(metric) + ")";
}

Result<Proposal> propose_object(const Input& input, string& name, MetricStatusEdit status) {
  auto source = input.spec.object();
  auto edit = status.edit_object();
  copy_metric(edit.edit_metric(), source.metric());
  if (source.target().type() == "Value") {
    name = string(source.described_object().kind()) + " metric " + string(source.metric().name());
    auto proposal =
        value_proposal(input.scaled, input.figures.value, milli(source.target().value()));
    if (!proposal) return proposal;
    edit.set_described_object(source.described_object());
    edit.edit_current().set_value(milli_text(proposal->usage));
    return proposal;
  }
  if (source.target().type() != "AverageValue") {
    return failure(
        "invalid object metric source: neither a value target nor an average value target was "
        "set");
  }
  name = external_name(source.metric());
  Proposal proposal =
      per_pod_proposal(input.status_replicas, input.figures.value,
                       milli(source.target().average_value()), input.scaled.tolerances);
  edit.edit_current().set_average_value(milli_text(proposal.usage));
  return proposal;
}

Result<Proposal> propose_external(const Input& input, string& name, MetricStatusEdit status) {
  auto source = input.spec.external();
  auto edit = status.edit_external();
  copy_metric(edit.edit_metric(), source.metric());
  name = external_name(source.metric());
  if (source.target().has_average_value()) {
    Proposal proposal =
        per_pod_proposal(input.status_replicas, input.figures.value,
                         milli(source.target().average_value()), input.scaled.tolerances);
    edit.edit_current().set_average_value(milli_text(proposal.usage));
    return proposal;
  }
  if (!source.target().has_value()) {
    return failure(
        "invalid external metric source: neither a value target nor an average value target was "
        "set");
  }
  auto proposal = value_proposal(input.scaled, input.figures.value, milli(source.target().value()));
  if (proposal) edit.edit_current().set_value(milli_text(proposal->usage));
  return proposal;
}

string object_error(const MetricSpec& spec) {
  string inner = spec.object().target().type() == "AverageValue"
                     ? "failed to get " + string(spec.object().metric().name()) + " object metric: "
                     : "";
  return "failed to get object metric value: " + inner;
}

string external_error(const MetricSpec& spec) {
  string name(spec.external().metric().name());
  string outer = "failed to get " + name + " external metric value: ";
  MetricTarget target = spec.external().target();
  if (target.has_average_value()) return outer + "failed to get " + name + " external metric: ";
  return target.has_value() ? outer + "failed to get external metric " + name + ": " : outer;
}

// A row per type of metric.
struct Row {
  std::string_view type;
  std::string_view reason;  // of what fails
  string (*error_prefix)(const MetricSpec&);
  Result<Proposal> (*propose)(const Input&, string& name, MetricStatusEdit);
};

constexpr Row kRows[] = {
    {"Object", "FailedGetObjectMetric", object_error, propose_object},
    {"Pods", "FailedGetPodsMetric",
     [](const MetricSpec&) { return string("failed to get pods metric value: "); }, propose_pods},
    {"Resource", "FailedGetResourceMetric",
     [](const MetricSpec& spec) {
       return "failed to get " + string(spec.resource().name()) + " resource metric value: ";
     },
     propose_resource},
    {"ContainerResource", "FailedGetContainerResourceMetric",
     [](const MetricSpec& spec) {
       return "failed to get " + string(spec.container_resource().container()) +
              " container metric value: ";
     },
     propose_container},
    {"External", "FailedGetExternalMetric", external_error, propose_external},
};

// What could not be fetched is told like what could not be computed; of resources: as what.
string fetch_problem(const MetricSpec& spec, const ApiStatus& error) {
  bool container = spec.type() == "ContainerResource";
  if (spec.type() != "Resource" && !container) return error.message();
  string name(container ? spec.container_resource().name() : spec.resource().name());
  MetricTarget target = container ? spec.container_resource().target() : spec.resource().target();
  return "failed to get " + name + (target.has_average_value() ? " usage: " : " utilization: ") +
         error.message();
}

void fail(MetricOutcome& outcome, const Row& row, const MetricSpec& spec, string problem) {
  outcome.reason = row.reason;
  outcome.error = row.error_prefix(spec) + problem;
  outcome.problem = std::move(problem);
}

}  // namespace

Task<Result<Figures>> ask_figures(MetricsSource& source, ObjectPtr autoscaler, size_t index,
                                  string selector) {
  MetricSpec spec = metric_at(*autoscaler, index);
  string ns(namespace_of(*autoscaler));
  if (spec.type() == "Resource") {
    return ask_usage(source, string(spec.resource().name()), ns, selector, "");
  }
  if (spec.type() == "ContainerResource") {
    return ask_usage(source, string(spec.container_resource().name()), ns, selector,
                     string(spec.container_resource().container()));
  }
  if (spec.type() == "Pods") {
    MetricIdentifier metric = spec.pods().metric();
    return ask_pods(source, string(metric.name()), ns, selector, query_selector(metric));
  }
  if (spec.type() == "Object") {
    MetricIdentifier metric = spec.object().metric();
    return ask_object(source, string(metric.name()), ns,
                      described(spec.object().described_object()), query_selector(metric));
  }
  if (spec.type() != "External") return ask_nothing();
  MetricIdentifier metric = spec.external().metric();
  return ask_external(source, string(metric.name()), ns, query_selector(metric),
                      debug_text(metric));
}

MetricOutcome metric_outcome(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler,
                             size_t index, Result<Figures> figures, const ScaledPods& scaled,
                             int32_t status_replicas) {
  MetricSpec spec = autoscaler.spec().metrics()[index];
  MetricOutcome outcome{.status = Draft(autoscaling_v2::MetricStatus::message())};
  auto row = std::ranges::find(kRows, spec.type(), &Row::type);
  if (row == std::ranges::end(kRows)) {
    outcome.reason = "InvalidMetricSourceType";
    outcome.problem = "unknown metric source type \"" + string(spec.type()) + "\"";
    outcome.error = outcome.problem;
    return outcome;
  }
  if (!figures) {
    fail(outcome, *row, spec, fetch_problem(spec, figures.error()));
    return outcome;
  }
  MetricStatusEdit status(outcome.status);
  status.set_type(spec.type());
  auto proposal = row->propose({spec, *figures, scaled, status_replicas}, outcome.name, status);
  if (proposal) {
    outcome.proposal = *proposal;
  } else {
    outcome.status = Draft(autoscaling_v2::MetricStatus::message());
    fail(outcome, *row, spec, proposal.error().message());
  }
  return outcome;
}

}  // namespace tiphys::controllers
