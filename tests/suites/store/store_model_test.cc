// Random transactions against the engines and against a model that is simple enough to be right:
// the whole state after each revision, kept as plain maps. The seed is printed; a failing one can
// be given in STORE_MODEL_SEED.
#include <ctime>

#include "base/random.h"
#include "tests/suites/store/store_suite.h"

namespace tiphys::tests {
namespace {

struct ModelItem {
  std::string value;
  Revision created = 0;
  Revision changed = 0;
  int64_t version = 0;
};
using ModelState = std::map<std::string, ModelItem>;

struct ModelEvent {
  bool put = false;
  std::string key;
  Revision revision = 0;
  bool operator==(const ModelEvent&) const = default;
};

// What a store is: states by revision, and the events between them.
struct Model {
  std::map<Revision, ModelState> states = {{1, {}}};
  std::vector<ModelEvent> events;
  Revision compacted = 0;

  Revision revision() const { return states.rbegin()->first; }
  const ModelState& now() const { return states.rbegin()->second; }
  bool apply(const Txn& txn) {
    for (auto& compare : txn.compares) {
      auto it = now().find(compare.key);
      if ((it == now().end() ? 0 : it->second.changed) != compare.mod_revision) return false;
    }
    ModelState next = now();
    Revision revision_next = revision() + 1;
    bool changed = !txn.puts.empty();
    for (auto& put : txn.puts) {
      auto& item = next[put.key];
      if (item.version == 0) item.created = revision_next;
      item = {*put.value, item.created, revision_next, item.version + 1};
      events.push_back({true, put.key, revision_next});
    }
    for (auto& removal : txn.deletes) {
      if (next.erase(removal.key) == 0) continue;
      changed = true;
      events.push_back({false, removal.key, revision_next});
    }
    if (changed) states[revision_next] = std::move(next);
    return true;
  }
};

std::string random_key(Random& random) {
  static const std::string kAlphabet("a/\xff\0b", 5);
  std::string key = "/";
  for (auto length = random.below(3); length > 0; --length) {
    key += kAlphabet[random.below(kAlphabet.size())];
  }
  return key;
}

Txn random_txn(Random& random, const Model& model) {
  Txn txn;
  std::set<std::string> used;
  for (auto count = random.below(4); count > 0; --count) {
    std::string key = random_key(random);
    if (!used.insert(key).second) continue;
    if (random.below(3) == 0) {
      txn.deletes.push_back({key});
    } else {
      txn.puts.push_back({key, bytes(std::to_string(random.below(1'000))), 0, nullptr});
    }
  }
  for (auto count = random.below(3); count > 0; --count) {
    std::string key = random_key(random);
    auto it = model.now().find(key);
    Revision right = it == model.now().end() ? 0 : it->second.changed;
    txn.compares.push_back({key, random.below(4) == 0 ? right + 1 : right});
  }
  return txn;
}

uint64_t model_seed() {
  const char* given = std::getenv("STORE_MODEL_SEED");
  uint64_t seed = given ? std::stoull(given) : static_cast<uint64_t>(std::time(nullptr));
  std::printf("STORE_MODEL_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

void expect_item(const KeyValue& item, const std::string& key, const ModelItem& expected) {
  EXPECT_EQ(item.key, key);
  EXPECT_EQ(*item.value, expected.value);
  EXPECT_EQ(item.create_revision, expected.created);
  EXPECT_EQ(item.mod_revision, expected.changed);
  EXPECT_EQ(item.version, expected.version);
}

}  // namespace

class StoreModel : public StoreSuite {
 protected:
  void do_txn() {
    Txn txn_now = random_txn(*random_, model_);
    auto result = txn(txn_now);
    ASSERT_TRUE(result);
    ASSERT_EQ(result->succeeded, model_.apply(txn_now));
    EXPECT_EQ(result->revision, model_.revision());
    if (result->succeeded) return;
    ASSERT_EQ(result->current.size(), txn_now.compares.size());
    for (size_t i = 0; i < result->current.size(); ++i) {
      auto it = model_.now().find(txn_now.compares[i].key);
      ASSERT_EQ(result->current[i].has_value(), it != model_.now().end());
      if (result->current[i]) expect_item(*result->current[i], it->first, it->second);
    }
  }
  Revision random_revision() {
    Revision first = std::max<Revision>(1, model_.compacted - 2);
    auto span = static_cast<uint64_t>(model_.revision() - first + 1);
    return first + static_cast<Revision>(random_->below(span));
  }
  void check_range() {
    std::string prefix = random_key(*random_);
    std::string from = random_->below(2) == 0 ? "" : random_key(*random_);
    auto limit = static_cast<int64_t>(random_->below(6));
    Revision at = random_->below(3) == 0 ? 0 : random_revision();
    auto result = range(prefix, from, limit, at);
    if (at != 0 && at < model_.compacted) {
      ASSERT_FALSE(result);
      EXPECT_TRUE(result.error().is_gone());
      return;
    }
    ASSERT_TRUE(result) << result.error().message();
    auto state = std::prev(model_.states.upper_bound(at == 0 ? model_.revision() : at));
    int64_t count = 0;
    for (auto& [key, item] : state->second) {
      if (!key.starts_with(prefix) || key < from) continue;
      auto place = static_cast<size_t>(count++);
      if (limit != 0 && count > limit) continue;
      ASSERT_LT(place, result->items.size());
      expect_item(result->items[place], key, item);
    }
    EXPECT_EQ(result->count, count);
    EXPECT_EQ(result->more, limit != 0 && count > limit);
    EXPECT_EQ(result->revision, model_.revision());
  }
  void do_compact() {
    Revision revision_then = random_revision();
    auto result = run(store().compact(revision_then));
    EXPECT_EQ(result.has_value(), revision_then > model_.compacted);
    model_.compacted = std::max(model_.compacted, revision_then);
  }
  void check_watch(Seen& seen, Revision from) {
    ASSERT_TRUE(settle(seen));
    ASSERT_FALSE(seen.failed) << seen.failed->message();
    std::vector<ModelEvent> expected;
    for (auto& event : model_.events) {
      if (event.revision >= from) expected.push_back(event);
    }
    std::vector<ModelEvent> actual;
    for (auto& event : seen.events) {
      actual.push_back(
          {event.type == StoreEvent::Type::kPut, event.item.key, event.item.mod_revision});
      if (!event.previous) continue;
      auto before = std::prev(model_.states.lower_bound(event.item.mod_revision));
      ASSERT_TRUE(before->second.contains(event.item.key));
      expect_item(*event.previous, event.item.key, before->second.at(event.item.key));
    }
    EXPECT_EQ(actual, expected);
  }
  void watch_from_somewhere() {
    Revision from = std::max(random_revision(), std::max<Revision>(model_.compacted, 1));
    auto seen = watch("", from, random_->below(2) == 0);
    check_watch(*seen, from);
  }
  void step() {
    uint64_t what = random_->below(100);
    if (what < 70) return do_txn();
    if (what < 90) return check_range();
    if (what < 94) return watch_from_somewhere();
    if (what < 97) return do_compact();
    if (what == 97 && harness_->reopen()) live_.reset();
    if (what != 98) return;
    if (live_) settle(*live_);  // a crash is without a clean end, but nothing may be in progress
    if (harness_->crash()) live_.reset();
  }

  std::unique_ptr<SeededRandom> random_;
  Model model_;
  std::unique_ptr<Seen> live_;
};

TEST_P(StoreModel, robustness_random_histories_agree_with_the_model) {
  uint64_t seed = model_seed();
  for (uint64_t round = 0; round < 8; ++round) {
    start(keep_all());
    random_ = std::make_unique<SeededRandom>(seed + round);
    model_ = {};
    live_ = watch("", 1, round % 2 == 0);
    for (int i = 0; i < 400 && !HasFatalFailure(); ++i) step();
    if (live_) check_watch(*live_, 1);
    live_.reset();
    ASSERT_FALSE(HasFailure()) << "seed " << seed + round;
  }
}

INSTANTIATE_TEST_SUITE_P(Store, StoreModel, testing::ValuesIn(engines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace tiphys::tests
