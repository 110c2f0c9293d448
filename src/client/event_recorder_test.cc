// Events: written, counted, combined and limited as client-go does; and leases.
#include "client/event_recorder.h"

#include <gtest/gtest.h>

#include "async/sim_loop.h"
#include "client/event_correlator.h"
#include "client/lease_lock.h"
#include "kinds/coordination_v1.h"
#include "kinds/core_v1.h"
#include "tests/fake/fake_api.h"

namespace tiphys::client {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct EventTest : testing::Test {
  EventTest() {
    Draft draft = core_v1::Pod::make();
    core_v1::PodEdit(draft).edit_metadata().set_name("web");
    core_v1::PodEdit(draft).edit_metadata().set_namespace("shop");
    core_v1::PodEdit(draft).edit_metadata().set_uid("u1");
    pod = draft.freeze();
  }
  std::vector<ObjectPtr> events() {
    return api.list(*schema::find_resource("", "v1", "events"), "shop");
  }
  SimLoop loop;
  SeededRandom random{1};
  fake::FakeApi api{loop};
  Client client{api, "kubelet"};
  ObjectPtr pod;
};

TEST_F(EventTest, the_same_event_is_counted) {
  EventRecorder recorder(loop, client, random, "node-1");
  for (int i = 0; i < 3; ++i) {
    recorder.record(*pod, "Warning", "BackOff", "Back-off \"restarting\"", "spec.containers{c}");
    loop.run_for(seconds(10));
  }
  ASSERT_EQ(events().size(), 1u);
  core_v1::Event event(*events()[0]);
  EXPECT_EQ(event.count(), 3);
  EXPECT_EQ(event.reason(), "BackOff");
  EXPECT_EQ(event.message(), "Back-off \"restarting\"");
  EXPECT_EQ(event.involved_object().kind(), "Pod");
  EXPECT_EQ(event.involved_object().field_path(), "spec.containers{c}");
  EXPECT_EQ(event.source().component(), "kubelet");
  EXPECT_EQ(event.source().host(), "node-1");
  EXPECT_GT(event.last_timestamp(), event.first_timestamp());
  EXPECT_TRUE(event.metadata().name().starts_with("web."));
  loop.run(recorder.stop());
}

TEST_F(EventTest, an_event_that_expired_is_written_anew) {
  EventRecorder recorder(loop, client, random, "");
  recorder.record(*pod, "Normal", "Pulled", "Pulled");
  loop.run_for(seconds(1));
  core_v1::Event event(*events()[0]);
  api.remove(*schema::find_resource("", "v1", "events"), "shop", event.metadata().name());
  recorder.record(*pod, "Normal", "Pulled", "Pulled");
  loop.run_for(seconds(1));
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(core_v1::Event(*events()[0]).count(), 1);
  loop.run(recorder.stop());
}

TEST(DropCount, many_drops_are_told_of_together) {
  DropCount drops;
  MonoTime now = MonoTime{} + minutes(5);
  EXPECT_EQ(drops.dropped(now), 1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(drops.dropped(now + seconds(59)), std::nullopt);
  EXPECT_EQ(drops.dropped(now + seconds(60)), 1001);
  EXPECT_EQ(drops.dropped(now + seconds(61)), std::nullopt);
  EXPECT_EQ(drops.dropped(now + minutes(10)), 2);
}

TEST_F(EventTest, waits_for_a_server_that_is_away_and_never_blocks) {
  EventRecorder recorder(loop, client, random, "");
  api.before = [](const Request&) { return ApiStatus::service_unavailable("away"); };
  for (int i = 0; i < 5000; ++i) recorder.record(*pod, "Normal", "A", "m" + std::to_string(i));
  loop.run_for(seconds(5));
  api.before = nullptr;
  loop.run_for(minutes(5));
  EXPECT_GE(events().size(), 10u);
  EXPECT_LE(events().size(), 26u);
  loop.run(recorder.stop());
}

TEST_F(EventTest, as_many_wait_as_may_and_stopping_does_not_wait_for_all) {
  EventRecorder recorder(loop, client, random, "", 3);
  api.set_delay(seconds(1));
  for (int i = 0; i < 10; ++i) {
    Draft draft(*pod);
    core_v1::PodEdit(draft).edit_metadata().set_uid("u" + std::to_string(i));
    recorder.record(*draft.freeze(), "Normal", "A", "m");
  }
  loop.run_for(seconds(20));
  EXPECT_EQ(events().size(), 4u) << "one is being written, three wait";
  for (int i = 0; i < 4; ++i) {
    Draft draft(*pod);
    core_v1::PodEdit(draft).edit_metadata().set_uid("v" + std::to_string(i));
    recorder.record(*draft.freeze(), "Normal", "A", "m");
  }
  MonoTime before = loop.mono();
  loop.run(recorder.stop());
  EXPECT_LE(loop.mono() - before, seconds(4));
  EXPECT_LT(events().size(), 8u);
}

TEST(EventCorrelator, many_alike_are_combined_and_many_from_one_source_dropped) {
  EventCorrelator correlator;
  int created = 0, combined = 0, dropped = 0;
  for (int i = 0; i < 40; ++i) {
    EventVerdict verdict = correlator.judge({"pod", "Normal", "R", "m" + std::to_string(i)}, 1);
    dropped += verdict.kind == EventVerdict::Kind::kDrop;
    combined += verdict.message.starts_with("(combined");
    created += verdict.kind == EventVerdict::Kind::kCreate;
    if (verdict.kind == EventVerdict::Kind::kCreate) correlator.written(verdict, "e");
  }
  EXPECT_EQ(created, 10);
  EXPECT_EQ(combined, 16);
  EXPECT_EQ(dropped, 15);
  EventVerdict later = correlator.judge({"pod", "Normal", "R", "x"}, 1 + 301 * kMicrosPerSecond);
  EXPECT_NE(later.kind, EventVerdict::Kind::kDrop);
}

struct LeaseTest : EventTest {
  LeaseLock::Options options(std::string who) {
    LeaseLock::Options o;
    o.name = "kube-controller-manager";
    o.identity = std::move(who);
    return o;
  }
  coordination_v1::Lease lease() {
    held = api.get(*schema::find_resource("coordination.k8s.io", "v1", "leases"), "kube-system",
                   "kube-controller-manager");
    return coordination_v1::Lease(*held);
  }
  ObjectPtr held;
};

Task<void> acquire_into(LeaseLock& lock, bool* got, StopToken stop) {
  *got = co_await lock.acquire(std::move(stop));
}

TEST_F(LeaseTest, one_holds_it_the_other_takes_over_when_it_is_released) {
  LeaseLock a(loop, client, options("a"));
  LeaseLock b(loop, client, options("b"));
  EXPECT_TRUE(loop.run(a.acquire({})));
  bool b_got = false;
  spawn(acquire_into(b, &b_got, {}));
  loop.run_for(minutes(5));
  EXPECT_FALSE(b_got);
  EXPECT_EQ(lease().spec().holder_identity(), "a");
  loop.run(a.release());
  loop.run_for(seconds(5));
  EXPECT_TRUE(b_got);
  EXPECT_EQ(lease().spec().holder_identity(), "b");
  EXPECT_EQ(lease().spec().lease_transitions(), 1);
  loop.run(b.release());
}

TEST_F(LeaseTest, a_holder_cut_off_notices_before_another_takes_over) {
  LeaseLock a(loop, client, options("a"));
  LeaseLock b(loop, client, options("b"));
  EXPECT_TRUE(loop.run(a.acquire({})));
  bool a_lost = false;
  bool b_got = false;
  a.on_lost([&] { a_lost = true; });
  bool cut_off = true;
  api.before = [&](const Request& request) -> std::optional<ApiStatus> {
    bool of_a = request.object && request.method == "PUT" &&
                coordination_v1::Lease(*request.object).spec().holder_identity() == "a";
    if (!cut_off || !of_a) return std::nullopt;
    EXPECT_FALSE(b_got);
    return ApiStatus::service_unavailable("no route to host");
  };
  spawn(acquire_into(b, &b_got, {}));
  ASSERT_TRUE(loop.run_until([&] { return a_lost; }, minutes(1)));
  EXPECT_FALSE(b_got);
  ASSERT_TRUE(loop.run_until([&] { return b_got; }, minutes(1)));
  loop.run(a.release());
  EXPECT_EQ(lease().spec().holder_identity(), "b");
  loop.run(b.release());
}

TEST_F(LeaseTest, stopping_ends_the_wait) {
  LeaseLock a(loop, client, options("a"));
  LeaseLock b(loop, client, options("b"));
  EXPECT_TRUE(loop.run(a.acquire({})));
  StopSource stop;
  bool b_got = true;
  spawn(acquire_into(b, &b_got, stop.token()));
  loop.run_for(seconds(3));
  stop.request_stop();
  loop.run_for(seconds(1));
  EXPECT_FALSE(b_got);
  loop.run(a.release());
}

}  // namespace
}  // namespace tiphys::client
