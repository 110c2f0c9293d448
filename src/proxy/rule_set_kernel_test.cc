// RuleSet against the kernel's own tables: whatever way led to a state, the same is in there.
#include <gtest/gtest.h>

#include <map>

#include "base/random.h"
#include "base/strings.h"
#include "proxy/nft.h"
#include "proxy/nft_elements.h"
#include "proxy/packet_network_test.h"
#include "proxy/rule_set.h"
#include "proxy/table_contents.h"

namespace tiphys::proxy {
namespace {

constexpr int kServices = 6;

using Blocks = std::map<std::string, std::string>;

// What is in the table, by heading ("map endpoints-0").
Blocks listed() {
  auto result = os::run_command({"nft", "-s", "list", "ruleset"});
  Blocks blocks;
  if (!result) return blocks;
  std::string heading;
  for (std::string_view line : split(result->out, '\n')) {
    if (!line.starts_with("\t")) continue;
    if (!line.starts_with("\t\t") && line.ends_with("{")) heading = line.substr(1, line.size() - 3);
    blocks[heading].append(line).append("\n");
  }
  return blocks;
}

// Shared chains that are out of use, and their maps.
bool may_be_left(const std::string& heading, const std::string& text) {
  if (heading.starts_with("map ")) return text.find("elements") == std::string::npos;
  return heading.starts_with("chain ") && heading.find('/') == std::string::npos;
}

void expect_same(const Blocks& grown, const Blocks& anew) {
  for (const auto& [heading, text] : anew) {
    auto at = grown.find(heading);
    EXPECT_EQ(at == grown.end() ? "" : at->second, text) << heading;
  }
  for (const auto& [heading, text] : grown) {
    EXPECT_TRUE(anew.contains(heading) || may_be_left(heading, text)) << text;
  }
}

class RandomCluster {
 public:
  explicit RandomCluster(uint64_t seed) : random_(seed) {}

  // Some services are born, change or go.
  void step(RuleSet& rules, const NodeFacts& node) {
    for (int changes = pick(3) + 1; changes > 0; --changes) {
      int i = pick(kServices);
      std::string key = "default/s" + std::to_string(i);
      ServiceRules built;
      if (pick(5) != 0) {
        SliceFacts slice = endpoints();
        built = build_service_rules(service(key, i), {&slice, 1}, node, rules.settings(),
                                    Family::kIpv4);
      }
      rules.set(key, std::move(built));
    }
  }

 private:
  int pick(int count) { return static_cast<int>(random_.next() % static_cast<uint64_t>(count)); }
  static Address ip(const std::string& text) { return *Address::parse(text); }

  ServiceFacts service(const std::string& key, int i) {
    ServiceFacts facts{.key = key, .cluster_ips = {ip("10.43.0." + std::to_string(i + 1))}};
    facts.ports = {{.name = "a", .protocol = "tcp", .port = 80}};
    if (pick(2) == 0) facts.ports.push_back({.name = "b", .protocol = "udp", .port = 53});
    if (pick(2) == 0) facts.ports[0].node_port = static_cast<uint16_t>(30000 + pick(2));
    if (pick(3) == 0) facts.external_ips = {ip("198.51.100." + std::to_string(pick(2) + 1))};
    if (pick(3) == 0) facts.ingress_ips = {ip("192.0.2." + std::to_string(pick(2) + 1))};
    if (pick(3) == 0) facts.source_ranges = {*Cidr::parse("203.0.113.0/24")};
    facts.affinity_seconds = pick(4) == 0 ? 60 * (1 + pick(2)) : 0;
    facts.internal_local = pick(3) == 0;
    facts.external_local = pick(3) == 0;
    return facts;
  }
  SliceFacts endpoints() {
    SliceFacts slice{.ports = {{"a", "tcp", 8080}, {"b", "udp", 5300}}, .endpoints = {}};
    for (int count = pick(5); count > 0; --count) {
      slice.endpoints.push_back({.address = ip("10.42.0." + std::to_string(pick(9) + 1)),
                                 .ready = true,
                                 .serving = true,
                                 .node_name = pick(2) == 0 ? "n1" : "n2"});
    }
    return slice;
  }

  SeededRandom random_;
};

// What we know of the table.
struct Known {
  RulePrints prints{"t", Family::kIpv4};
  FilledSets filled;
};

void apply_whole(RuleSet& rules, const NodeFacts& node, Known& known) {
  Changes changes = rules.take_full(node);
  known.filled.apply(changes, true);
  std::string text = changes.text("ip t");
  Result<void> applied = os::nft_apply(text);
  ASSERT_TRUE(applied) << applied.error().message();
  known.prints.note(text, true);
}

void apply(RuleSet& rules, Known& known) {
  Changes changes = rules.take_changes();
  known.filled.apply(changes, false);
  if (changes.empty()) return;
  std::string text = changes.text("ip t");
  std::optional<ElementBatch> batch = element_batch("t", Family::kIpv4, changes);
  EXPECT_EQ(batch.has_value(), changes.elements_only());
  Result<void> applied = batch ? apply_elements(*batch) : os::nft_apply(text);
  ASSERT_TRUE(applied) << applied.error().message() << "\n" << text;
  known.prints.note(text, false);
}

// "" if the kernel has what the rule set wants.
std::string difference(const RuleSet& rules, const NodeFacts& node, const Known& known) {
  Result<TableContents> now = read_contents("t", Family::kIpv4);
  if (!now) return now.error().message();
  TableContents wanted = wanted_contents(rules.frame(node));
  known.filled.add_to(wanted);
  known.prints.add_to(wanted);
  for (const auto& [name, chain] : wanted.chains) {
    EXPECT_EQ(chain.print != 0, chain.rules != 0) << name;
  }
  return difference(*now, wanted);
}

class RuleSetKernelTest : public testing::Test {
 protected:
  RuleSetKernelTest() {
    settings.table = "t";
    settings.cluster_cidrs = {*Cidr::parse("10.42.0.0/16")};
    node.name = "n1";
  }
  void SetUp() override {
    if (!PacketNetwork::possible()) GTEST_SKIP() << "needs root";
  }
  Settings settings;
  NodeFacts node;
};

TEST_F(RuleSetKernelTest, DifferencesLeadToTheSameTableAsMakingItAnew) {
  PacketNetwork network(0);
  for (uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomCluster cluster(seed);
    RuleSet rules(settings, Family::kIpv4);
    in_namespace(network.node(), [&] {
      Known known;
      apply_whole(rules, node, known);
      for (int i = 0; i < 25; ++i) {
        cluster.step(rules, node);
        apply(rules, known);
        EXPECT_EQ(difference(rules, node, known), "");
        if (testing::Test::HasFailure()) return;
      }
      Blocks grown = listed();
      apply_whole(rules, node, known);
      expect_same(grown, listed());
    });
    if (testing::Test::HasFailure()) return;
  }
}

TEST_F(RuleSetKernelTest, TenThousandServicesAtOnce) {
  PacketNetwork network(0);
  RuleSet rules(settings, Family::kIpv4);
  SliceFacts slice{.ports = {{"", "tcp", 8080}}, .endpoints = {}};
  for (const char* address : {"10.42.0.7", "10.42.0.8", "127.0.0.1"}) {
    slice.endpoints.push_back({.address = *Address::parse(address), .ready = true});
  }
  for (int i = 0; i < 10000; ++i) {
    std::string ip = "10.43." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250);
    ServiceFacts facts{.key = "default/s" + std::to_string(i),
                       .cluster_ips = {*Address::parse(ip)}};
    facts.ports = {{.protocol = "tcp", .port = 80, .node_port = static_cast<uint16_t>(1 + i / 2)}};
    rules.set(facts.key, build_service_rules(facts, {&slice, 1}, node, settings, Family::kIpv4));
  }
  in_namespace(network.node(), [&] {
    EXPECT_LT(rules.take_full(node).text("ip t").size(), 3u << 20);
    Known known;
    apply_whole(rules, node, known);
    rules.erase("default/s77");
    apply(rules, known);
    EXPECT_TRUE(rules.take_changes().empty());
    EXPECT_EQ(difference(rules, node, known), "");
  });
}

}  // namespace
}  // namespace tiphys::proxy
