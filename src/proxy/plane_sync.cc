#include "proxy/plane_sync.h"

#include "base/log.h"

namespace tiphys::proxy {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void PlaneSync::note_success(const Plane& plane, const PlaneOutcome& outcome, bool full,
                             MonoTime start) {
  std::string_view family = family_name(plane.family());
  double took = seconds(loop_.mono() - start);
  ++counters_.transactions;
  counters_.full += full ? 1 : 0;
  metrics_.sync_duration.with({family}).observe(took);
  (full ? metrics_.sync_full_duration : metrics_.sync_partial_duration)
      .with({family})
      .observe(took);
  metrics_.last_sync.with({family}).set(in_seconds(loop_.wall()));
  metrics_.no_local_endpoints.with({family, "internal"}).set(plane.lacking_internal());
  metrics_.no_local_endpoints.with({family, "external"}).set(plane.lacking_external());
  metrics_.conntrack_duration.with({family}).observe(seconds(outcome.conntrack_time));
  metrics_.conntrack_deleted.with({family}).add(outcome.removed_flows);
}

void PlaneSync::note_rules(const Plane& plane, const std::vector<Backend::RuleCount>& rules) {
  for (const Backend::RuleCount& count : rules) {
    std::initializer_list<std::string_view> labels = {family_name(plane.family()), count.table};
    metrics_.iptables_rules.with(labels).set(static_cast<double>(count.total));
    metrics_.iptables_rules_last.with(labels).set(static_cast<double>(count.written));
  }
}

void PlaneSync::note_triggers(const Plane& plane, const std::vector<MicroTime>& triggers) {
  for (MicroTime trigger : triggers) {
    metrics_.network_programming.with({family_name(plane.family())})
        .observe(in_seconds(loop_.wall() - trigger));
  }
}

void PlaneSync::note_failure(const Plane& plane, bool full, const ApiStatus& why) {
  LOG_ERROR("Can't apply the service rules", {"err", why});
  std::string_view family = family_name(plane.family());
  ++counters_.failures;
  if (mode_ == Mode::kNftables) return metrics_.nftables_failures.with({family}).add();
  metrics_.iptables_failures.with({family}).add();
  if (!full) metrics_.iptables_partial_failures.with({family}).add();
}

// No rules are wanted, and an earlier process left none.
Task<bool> PlaneSync::is_bare(Plane* plane) {
  if (std::exchange(plane->searched, true)) co_return true;
  Result<std::string> seen = co_await run_blocking(loop_, pool_, plane->backend().look());
  co_return !seen || seen->empty();
}

Task<bool> PlaneSync::apply(Plane* plane, const NodeFacts* node) {
  std::vector<MicroTime> triggers = std::exchange(plane->triggers, {});
  bool full = !plane->made;
  if (full && plane->family() == Family::kIpv6 && plane->idle()) {
    bool bare = co_await is_bare(plane);
    if (bare) co_return true;
  }
  MonoTime start = loop_.mono();
  Backend::Transaction transaction = plane->backend().take(full, *node);
  if (transaction.bytes == 0) co_return true;
  PlaneJob job{std::move(transaction.apply), plane->take_suspects(), plane->family()};
  plane->made = false;
  PlaneOutcome outcome = co_await run_blocking(
      loop_, pool_, [job = std::move(job)]() mutable { return run_plane_job(std::move(job)); });
  if (!outcome.applied) {
    note_failure(*plane, full, outcome.applied.error());
    if (!full) {
      tell_of_repair_(plane->backend().title() +
                      " didn't take a change: " + outcome.applied.error().message());
    }
    co_return false;
  }
  plane->made = true;
  // A change of some rules leaves what others did to the rest for check() to find.
  if (full) plane->seen = *outcome.applied;
  counters_.bytes += static_cast<int64_t>(transaction.bytes);
  note_success(*plane, outcome, full, start);
  note_rules(*plane, transaction.rules);
  note_triggers(*plane, triggers);
  LOG_V(4, "Applied service rules", {"bytes", transaction.bytes}, {"full", full});
  co_return true;
}

Task<void> PlaneSync::check(Plane* plane, const NodeFacts* node) {
  if (!plane->made) co_return;
  Result<std::string> seen = co_await run_blocking(loop_, pool_, plane->backend().look());
  if (!seen) co_return;
  std::string what = " is gone";
  if (!seen->empty()) {
    Result<std::string> found = "";
    if (*seen != plane->seen) found = co_await audit(plane, node);
    if (!found) co_return;
    if (found->empty()) {
      plane->seen = *seen;
      co_return;
    }
    what = " was changed by somebody else: " + *found;
  }
  ++counters_.repairs;
  plane->made = false;
  tell_of_repair_(plane->backend().title() + what);
}

// What is different; "": nothing of ours.
Task<Result<std::string>> PlaneSync::audit(Plane* plane, const NodeFacts* node) {
  Backend::Look look = plane->backend().audit(*node);
  if (!look) co_return "other rules";
  ++counters_.audits;
  Result<std::string> found = co_await run_blocking(loop_, pool_, std::move(look));
  co_return found;
}

}  // namespace tiphys::proxy
