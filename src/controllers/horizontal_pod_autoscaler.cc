#include "controllers/horizontal_pod_autoscaler.h"

#include <algorithm>

#include "base/strings.h"
#include "controllers/resources.h"
#include "kinds/autoscaling_v1.h"

namespace tiphys::controllers {

namespace {

using autoscaling_v1::Scale;
using autoscaling_v2::HorizontalPodAutoscaler;
using autoscaling_v2::HorizontalPodAutoscalerSpec;

constexpr std::string_view kAble = "AbleToScale";
constexpr std::string_view kActive = "ScalingActive";
constexpr std::string_view kLimited = "ScalingLimited";

HorizontalPodAutoscalerSpec spec_of(const ObjectPtr& autoscaler) {
  return HorizontalPodAutoscaler(*autoscaler).spec();
}

int32_t replicas_of(const ObjectPtr& scale) { return Scale(*scale).spec().replicas(); }

Bounds bounds_of(const ObjectPtr& autoscaler, const ObjectPtr& scale) {
  HorizontalPodAutoscalerSpec spec = spec_of(autoscaler);
  return {replicas_of(scale), spec.has_min_replicas() ? spec.min_replicas() : 1,
          spec.max_replicas()};
}

// Error: a text that is no API version.
Result<void> check_version(std::string_view api_version) {
  if (std::ranges::count(api_version, '/') <= 1) return {};
  return ApiStatus::bad_request("unexpected GroupVersion string: " + std::string(api_version));
}

ApiStatus failure(std::string text) { return ApiStatus::internal(text); }

}  // namespace

HorizontalPodAutoscalerController::HorizontalPodAutoscalerController(
    Context context, Options options, std::unique_ptr<MetricsSource> metrics)
    : Controller(context, "horizontal-pod-autoscaler-controller"),
      options_(options),
      autoscalers_(watch(horizontal_pod_autoscalers())),
      pods_(watch(pods())),
      metrics_(std::move(metrics)) {
  event_source_ = "horizontal-pod-autoscaler";
  if (!metrics_) metrics_ = std::make_unique<ApiMetrics>(context.client);
  autoscalers_.add_handler([this](const ObjectPtr& old, const ObjectPtr& now) {
    context_.metrics.autoscaler.autoscalers.get().set(static_cast<double>(autoscalers_.size()));
    if (!now) return enqueue(*old);
    // The earlier of two delays wins: changes don't make it come more often.
    enqueue_after(client::object_key(*now), options_.sync_period);
  });
}

Task<Result<void>> HorizontalPodAutoscalerController::sync(std::string key) {
  auto [ns, name] = client::split_key(key);
  ObjectPtr object = autoscalers_.get(ns, name);
  if (!object) {
    histories_.erase(key);
    selectors_.erase(key);
    context_.metrics.autoscaler.desired_replicas.erase({ns, name});
    co_return Result<void>();
  }
  Round round{.key = key, .object = object, .status = {object, context_.loop.wall()}};
  MonoTime begin = context_.loop.mono();
  co_await look(round);
  measure(round, context_.loop.mono() - begin);
  enqueue_after(key, options_.sync_period);
  co_return Result<void>();
}

void HorizontalPodAutoscalerController::measure(const Round& round, Duration took) {
  AutoscalerMetrics& metrics = context_.metrics.autoscaler;
  metrics.rounds.with({round.action, round.error}).add();
  metrics.round_duration.with({round.action, round.error})
      .observe(std::chrono::duration<double>(took).count());
  if (!round.scale || round.error != "none") return;
  metrics.desired_replicas.with({namespace_of(*round.object), name_of(*round.object)})
      .set(round.status.desired());
}

void HorizontalPodAutoscalerController::measure(const Round& round, size_t metric,
                                                const MetricOutcome& outcome, Duration took) {
  std::string_view action = "none";
  int32_t current = replicas_of(round.scale);
  int32_t proposal = outcome.proposal ? outcome.proposal->replicas : current;
  if (proposal != current) action = proposal > current ? "scale_up" : "scale_down";
  std::string_view error = outcome.proposal ? "none" : "internal";
  std::string_view type = spec_of(round.object).metrics()[metric].type();
  AutoscalerMetrics& metrics = context_.metrics.autoscaler;
  metrics.computations.with({action, error, type}).add();
  metrics.computation_duration.with({action, error, type})
      .observe(std::chrono::duration<double>(took).count());
}

void HorizontalPodAutoscalerController::warn(const Round& round, std::string_view reason,
                                             std::string_view message) {
  context_.events.record(*round.object, "Warning", reason, message, {}, event_source_);
}

Task<void> HorizontalPodAutoscalerController::write_status(Round& round) {
  ObjectPtr changed = round.status.changed();
  if (!changed) co_return;
  Action action = update_action(horizontal_pod_autoscalers(), changed, "status");
  action.failure = Note{round.object, "Warning", "FailedUpdateStatus", ""};
  // What fails is written in the next round.
  (void)co_await execute(round.key, {std::move(action)});
}

// The first resource of the kind that has such a scale; the first error if none has.
Task<Result<void>> HorizontalPodAutoscalerController::find_scale(Round& round) {
  auto target = spec_of(round.object).scale_target_ref();
  Result<void> valid = check_version(target.api_version());
  if (!valid) co_return valid.error();
  std::string group(group_of(target.api_version()));
  std::string ns(namespace_of(*round.object));
  std::string name(target.name());
  auto mapped = co_await map_kind(context_.client, group, std::string(target.kind()));
  if (!mapped) co_return mapped.error();
  std::optional<ApiStatus> first;
  for (MappedResource& resource : *mapped) {
    Result<ObjectPtr> scale =
        co_await context_.client.get(resource.view(), resource.namespaced ? ns : "", name, "scale");
    bool usable = scale && *scale && &(*scale)->type() == &Scale::message();
    if (usable) {
      round.scale = std::move(*scale);
      round.resource = std::move(resource);
      co_return Result<void>();
    }
    if (!first) first = scale ? failure("the server answered with no Scale") : scale.error();
  }
  co_return *first;
}

void HorizontalPodAutoscalerController::fail_scale(Round& round, const ApiStatus& error) {
  warn(round, "FailedGetScale", error.message());
  round.status.set_condition(
      kAble, false, "FailedGetScale",
      "the HPA controller was unable to get the target's current scale: " + error.message());
}

Task<void> HorizontalPodAutoscalerController::look(Round& round) {
  Result<void> found = co_await find_scale(round);
  if (!found) {
    // A version that can't be read is the autoscaler's own mistake.
    bool spec = !check_version(spec_of(round.object).scale_target_ref().api_version());
    round.error = spec ? "spec" : "internal";
    fail_scale(round, found.error());
    co_await write_status(round);
    co_return;
  }
  round.status.set_condition(kAble, true, "SucceededGetScale",
                             "the HPA controller was able to get the target's current scale");
  Bounds bounds = bounds_of(round.object, round.scale);
  ScaleHistory& history = histories_[round.key];
  if (history.wishes.empty()) history.wishes.push_back({bounds.current, context_.loop.wall()});
  if (bounds.current == 0 && bounds.least != 0) {
    round.status.set_condition(kActive, false, "ScalingDisabled",
                               "scaling is disabled since the replica count of the target is zero");
    round.status.set_current(0);
    round.status.set_desired(0);
    round.status.set_metrics({});
    co_await write_status(round);
  } else if (bounds.current > bounds.most) {
    round.status.set_metrics({});
    co_await rescale(round, bounds.most, "Current number of replicas above Spec.MaxReplicas");
  } else if (bounds.current < bounds.least) {
    round.status.set_metrics({});
    co_await rescale(round, bounds.least, "Current number of replicas below Spec.MinReplicas");
  } else {
    co_await follow_metrics(round);
  }
}

Task<void> HorizontalPodAutoscalerController::follow_metrics(Round& round) {
  int32_t current = replicas_of(round.scale);
  Result<Wish> wish = co_await ask_metrics(round);
  if (!wish) {
    round.error = "internal";
    round.status.set_current(current);
    co_await write_status(round);
    warn(round, "FailedComputeMetricsReplicas", wish.error().message());
    co_return;
  }
  std::string reason;
  if (wish->replicas > current) reason = wish->metric + " above target";
  if (wish->replicas < current) reason = "All metrics below target";
  int32_t replicas = settled(round, wish->replicas);
  if (replicas != current) {
    co_await rescale(round, replicas, std::move(reason));
    co_return;
  }
  round.status.set_current(current);
  round.status.set_desired(current);
  co_await write_status(round);
}

Task<void> HorizontalPodAutoscalerController::rescale(Round& round, int32_t replicas,
                                                      std::string reason) {
  int32_t current = replicas_of(round.scale);
  Draft wanted(*round.scale);
  autoscaling_v1::ScaleEdit(wanted).edit_spec().set_replicas(replicas);
  std::string what = "New size: " + std::to_string(replicas) + "; reason: " + reason;
  Result<ObjectPtr> written =
      co_await context_.client.update(round.resource.view(), wanted.freeze(), "scale");
  round.status.set_current(current);
  if (!written) {
    round.error = "internal";
    const std::string& error = written.error().message();
    warn(round, "FailedRescale", what + "; error: " + error);
    round.status.set_condition(
        kAble, false, "FailedUpdateScale",
        "the HPA controller was unable to update the target scale: " + error);
    co_await write_status(round);
    co_return;
  }
  round.action = replicas > current ? "scale_up" : "scale_down";
  round.status.set_condition(
      kAble, true, "SucceededRescale",
      "the HPA controller was able to update the target scale to " + std::to_string(replicas));
  context_.events.record(*round.object, "Normal", "SuccessfulRescale", what, {}, event_source_);
  HorizontalPodAutoscalerSpec spec = spec_of(round.object);
  if (spec.has_behavior()) {
    note_change(current, replicas, behavior_of(spec.behavior(), options_.downscale_stabilization),
                context_.loop.wall(), histories_[round.key]);
  }
  round.status.set_desired(replicas);
  round.status.set_scaled();
  co_await write_status(round);
}

std::vector<ObjectPtr> HorizontalPodAutoscalerController::selected_pods(const Round& round) const {
  std::vector<ObjectPtr> selected = pods_.list(namespace_of(*round.object));
  std::erase_if(selected, [&round](const ObjectPtr& pod) {
    return !round.selector.matches(metadata(*pod).labels().node());
  });
  return selected;
}

std::vector<std::string> HorizontalPodAutoscalerController::autoscalers_of(
    const std::vector<ObjectPtr>& pods, std::string_view ns) const {
  std::vector<std::string> keys;
  std::string prefix = std::string(ns) + "/";
  for (auto at = selectors_.lower_bound(prefix); at != selectors_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    bool selects = std::ranges::any_of(pods, [&at](const ObjectPtr& pod) {
      return at->second.matches(metadata(*pod).labels().node());
    });
    if (selects) keys.push_back(at->first);
  }
  return keys;
}

// The pods are found by a selector, and nobody else scales them.
Result<void> HorizontalPodAutoscalerController::check_selector(Round& round) {
  std::string text(Scale(*round.scale).status().selector());
  auto refuse = [&](std::string_view event, std::string_view reason, std::string why,
                    std::string_view condition) {
    warn(round, event, why);
    round.status.set_condition(kActive, false, reason, condition.empty() ? why : condition);
    return failure(why);
  };
  if (text.empty()) {
    return refuse("SelectorRequired", "InvalidSelector", "selector is required",
                  "the HPA target's scale is missing a selector");
  }
  Result<LabelSelector> selector = LabelSelector::parse(text);
  if (!selector) {
    return refuse("InvalidSelector", "InvalidSelector",
                  "couldn't convert selector into a corresponding internal selector object: " +
                      selector.error().message(),
                  "");
  }
  round.selector = *selector;
  selectors_[round.key] = *selector;
  std::vector<std::string> others =
      autoscalers_of(selected_pods(round), namespace_of(*round.object));
  if (others.size() <= 1) return {};
  return refuse(
      "AmbiguousSelector", "AmbiguousSelector",
      "pods by selector " + text + " are controlled by multiple HPAs: [" + join(others, " ") + "]",
      "");
}

ScaledPods HorizontalPodAutoscalerController::scaled_pods(const Round& round) const {
  ScaledPods scaled;
  scaled.pods = selected_pods(round);
  scaled.replicas = replicas_of(round.scale);
  scaled.now = context_.loop.wall();
  scaled.tolerances = tolerances_of(spec_of(round.object).behavior(), options_.tolerance);
  scaled.cpu_initialization_period = options_.cpu_initialization_period;
  scaled.initial_readiness_delay = options_.initial_readiness_delay;
  return scaled;
}

Task<Result<HorizontalPodAutoscalerController::Wish>>
HorizontalPodAutoscalerController::ask_metrics(Round& round) {
  Result<void> checked = check_selector(round);
  if (!checked) {
    round.status.set_metrics({});
    co_return checked.error();
  }
  std::vector<MetricOutcome> outcomes;
  size_t count = spec_of(round.object).metrics().size();
  int32_t status_replicas = Scale(*round.scale).status().replicas();
  for (size_t i = 0; i < count; ++i) {
    MonoTime begin = context_.loop.mono();
    Result<Figures> figures =
        co_await ask_figures(*metrics_, round.object, i, round.selector.text());
    outcomes.push_back(metric_outcome(HorizontalPodAutoscaler(*round.object), i, std::move(figures),
                                      scaled_pods(round), status_replicas));
    const MetricOutcome& outcome = outcomes.back();
    measure(round, i, outcome, context_.loop.mono() - begin);
    if (!outcome.proposal) warn(round, outcome.reason, outcome.problem);
  }
  co_return judge(round, outcomes);
}

// The highest proposal counts; but where a metric is missing, nothing is scaled down.
Result<HorizontalPodAutoscalerController::Wish> HorizontalPodAutoscalerController::judge(
    Round& round, const std::vector<MetricOutcome>& outcomes) {
  round.status.set_metrics(outcomes);
  Wish wish;
  size_t failed = 0;
  const MetricOutcome* first_failed = nullptr;
  for (const MetricOutcome& outcome : outcomes) {
    if (!outcome.proposal) {
      if (failed++ == 0) first_failed = &outcome;
    } else if (wish.replicas == 0 || outcome.proposal->replicas > wish.replicas) {
      wish = {outcome.proposal->replicas, outcome.name};
    }
  }
  bool useless =
      failed >= outcomes.size() || (failed > 0 && wish.replicas < replicas_of(round.scale));
  if (useless) {
    if (!first_failed) return failure("invalid metrics (no metric is given)");
    round.status.set_condition(
        kActive, false, first_failed->reason,
        "the HPA was unable to compute the replica count: " + first_failed->problem);
    return failure("invalid metrics (" + std::to_string(failed) + " invalid out of " +
                   std::to_string(outcomes.size()) + "), first error is: " + first_failed->error);
  }
  round.status.set_condition(
      kActive, true, "ValidMetricFound",
      "the HPA was able to successfully calculate a replica count from " + wish.metric);
  return wish;
}

int32_t HorizontalPodAutoscalerController::settled(Round& round, int32_t wish) {
  HorizontalPodAutoscalerSpec spec = spec_of(round.object);
  Bounds bounds = bounds_of(round.object, round.scale);
  ScaleHistory& history = histories_[round.key];
  MicroTime now = context_.loop.wall();
  Duration window = options_.downscale_stabilization;
  Settled settled = spec.has_behavior()
                        ? settle(bounds, wish, behavior_of(spec.behavior(), window), now, history)
                        : settle_plainly(bounds, wish, window, now, history);
  round.status.set_condition(kAble, true, settled.able.reason, settled.able.message);
  round.status.set_condition(kLimited, settled.limited.held, settled.limited.reason,
                             settled.limited.message);
  return settled.replicas;
}

}  // namespace tiphys::controllers
