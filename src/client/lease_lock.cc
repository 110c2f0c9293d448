#include "client/lease_lock.h"

#include "base/log.h"
#include "client/object_key.h"
#include "kinds/coordination_v1.h"

namespace tiphys::client {

namespace {

const schema::Resource& leases_resource() {
  static const schema::Resource* const resource =
      schema::find_resource("coordination.k8s.io", "v1", "leases");
  return *resource;
}

int32_t seconds_of(Duration duration) {
  return static_cast<int32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace

Result<void> LeaseLock::Options::check() const {
  // How much longer than its period a retry may take.
  constexpr double kJitter = 1.2;
  auto retry = std::chrono::duration_cast<Duration>(retry_period * kJitter);
  std::string_view problem;
  if (lease_duration <= renew_deadline) {
    problem = "leaseDuration must be greater than renewDeadline";
  } else if (renew_deadline <= retry) {
    problem = "renewDeadline must be greater than retryPeriod*JitterFactor";
  } else if (retry_period <= Duration::zero()) {
    problem = "retryPeriod must be greater than zero";
  }
  if (problem.empty()) return {};
  return ApiStatus::bad_request(problem);
}

LeaseLock::LeaseLock(Loop& loop, Client& client, Options options)
    : loop_(loop), client_(client), options_(std::move(options)), gate_(loop) {}

void LeaseLock::on_lost(std::function<void()> callback) { lost_ = std::move(callback); }

// The lease as it stands once we hold it.
ObjectPtr LeaseLock::claimed(const Object* known) const {
  Draft draft = known ? Draft(*known) : coordination_v1::Lease::make();
  coordination_v1::LeaseEdit lease(draft);
  lease.edit_metadata().set_name(options_.name);
  lease.edit_metadata().set_namespace(options_.ns);
  coordination_v1::LeaseSpecEdit spec = lease.edit_spec();
  bool ours = spec.view().holder_identity() == options_.identity;
  if (!ours) {
    spec.set_acquire_time(loop_.wall());
    spec.set_lease_transitions(known ? spec.view().lease_transitions() + 1 : 0);
  }
  spec.set_holder_identity(options_.identity);
  spec.set_lease_duration_seconds(seconds_of(options_.lease_duration));
  spec.set_renew_time(loop_.wall());
  return draft.freeze();
}

void LeaseLock::observe(ObjectPtr lease) {
  bool same =
      observed_ && metadata(*observed_).resource_version() == metadata(*lease).resource_version();
  if (same) return;
  observed_ = std::move(lease);
  observed_at_ = loop_.mono();
  std::string_view holder = coordination_v1::Lease(*observed_).spec().holder_identity();
  if (holder != holder_) LOG_INFO("New leader elected", {"identity", holder});
  holder_ = holder;
}

bool LeaseLock::expired() const {
  int32_t seconds = coordination_v1::Lease(*observed_).spec().lease_duration_seconds();
  Duration duration =
      seconds > 0 ? Duration(std::chrono::seconds(seconds)) : options_.lease_duration;
  return loop_.mono() - observed_at_ >= duration;
}

Task<bool> LeaseLock::create_lease() {
  Result<ObjectPtr> created =
      co_await client_.create(leases_resource(), options_.ns, claimed(nullptr));
  if (created) {
    observe(*created);
    co_return true;
  }
  LOG_V(2, "Lease can't be created", {"lease", options_.name}, {"err", created.error()});
  co_return false;
}

Task<bool> LeaseLock::take_lease(ObjectPtr lease) {
  observe(lease);
  bool free = holder_.empty() || holder_ == options_.identity || expired();
  if (!free) co_return false;
  Result<ObjectPtr> updated = co_await client_.update(leases_resource(), claimed(lease.get()));
  if (updated) {
    observe(*updated);
    co_return true;
  }
  LOG_V(2, "Lease can't be taken", {"lease", options_.name}, {"err", updated.error()});
  co_return false;
}

Task<bool> LeaseLock::try_once() {
  Result<ObjectPtr> lease = co_await client_.get(leases_resource(), options_.ns, options_.name);
  if (lease) {
    bool taken = co_await take_lease(std::move(*lease));
    co_return taken;
  }
  if (!lease.error().is_not_found()) {
    LOG_WARNING("Lease can't be read", {"lease", options_.name}, {"err", lease.error()});
    co_return false;
  }
  bool created = co_await create_lease();
  co_return created;
}

Task<bool> LeaseLock::acquire(StopToken stop) {
  while (!stop.stop_requested() && !stop_.stop_requested()) {
    bool taken = co_await try_once();
    if (taken) {
      held_ = true;
      LOG_INFO("Successfully acquired lease", {"lock", options_.ns + "/" + options_.name});
      gate_.spawn(renew());
      co_return true;
    }
    co_await sleep_for(loop_, options_.retry_period, stop);
  }
  co_return false;
}

Task<void> LeaseLock::renew() {
  MonoTime renewed = loop_.mono();
  while (true) {
    bool go_on = co_await sleep_for(loop_, options_.retry_period, stop_.token());
    if (!go_on) co_return;
    bool taken = co_await try_once();
    if (stop_.stop_requested()) co_return;
    if (taken) {
      renewed = loop_.mono();
      continue;
    }
    if (loop_.mono() - renewed < options_.renew_deadline) continue;
    held_ = false;
    LOG_ERROR("Lost the lease", {"lock", options_.ns + "/" + options_.name});
    if (lost_) lost_();
    co_return;
  }
}

Task<void> LeaseLock::release() {
  stop_.request_stop();
  co_await gate_.close();
  if (!std::exchange(held_, false) || !observed_) co_return;
  Draft draft(*observed_);
  coordination_v1::LeaseSpecEdit spec = coordination_v1::LeaseEdit(draft).edit_spec();
  spec.set_holder_identity("");
  spec.set_lease_duration_seconds(1);
  spec.set_renew_time(loop_.wall());
  Result<ObjectPtr> updated = co_await client_.update(leases_resource(), draft.freeze());
  if (!updated) LOG_WARNING("Lease can't be released", {"err", updated.error()});
}

}  // namespace tiphys::client
