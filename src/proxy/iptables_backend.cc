#include "proxy/iptables_backend.h"

#include <algorithm>

#include "base/strings.h"
#include "os/files.h"
#include "os/process.h"
#include "proxy/iptables_base.h"
#include "proxy/iptables_set.h"

namespace tiphys::proxy {
namespace {

constexpr int kLookSeconds = 60;
// For one that hangs. One that is slow had better come to its end: with 10,000 Services a whole
// restore takes some seconds, on a busy machine many, and after a failure it begins from the start.
constexpr int kRestoreSeconds = 600;
constexpr const char* kLockSeconds = "5";  // to wait for another iptables
constexpr int kResourceProblem = 4;        // exit status: the lock wasn't to be had, among others

// The programs of one family and flavour. Calls block.
class Tool {
 public:
  Tool(Family family, const std::string& flavour)
      : name_(std::string(family == Family::kIpv4 ? "iptables" : "ip6tables") +
              (flavour.empty() ? "" : "-" + flavour)) {}

  Result<void> restore(const std::string& text) const {
    return run({name_ + "-restore", "-w", kLockSeconds, "--noflush", "--counters"}, text);
  }
  Result<std::string> save(std::string_view table) const {
    std::string program = name_ + "-save";
    TIPHYS_TRY(os::CommandResult, result,
               os::run_command({program, "-t", std::string(table)}, "", kRestoreSeconds));
    if (result.status != 0) return failed(program, result);
    return result.out;
  }
  // Does this canary sing? Error: there is no telling.
  Result<bool> has_canary(std::string_view table, const std::string& rule) const {
    TIPHYS_TRY(os::CommandResult, result,
               os::run_command({name_, "-w", kLockSeconds, "-t", std::string(table), "-S",
                                std::string(kCanaryChain)},
                               "", kLookSeconds));
    if (result.status == kResourceProblem) return failed(name_, result);
    return result.status == 0 && result.out.find(rule) != std::string::npos;
  }

 private:
  static ApiStatus failed(const std::string& program, const os::CommandResult& result) {
    std::string_view first = split(result.err, '\n')[0];
    return ApiStatus::internal(program + " ended with " + std::to_string(result.status) + ": " +
                               std::string(first));
  }
  static Result<void> run(const std::vector<std::string>& command, const std::string& input) {
    TIPHYS_TRY(os::CommandResult, result, os::run_command(command, input, kRestoreSeconds));
    if (result.status != 0) return failed(command[0], result);
    return {};
  }

  std::string name_;
};

// What a look tells after a restore.
Result<std::string> as_seen(const Result<void>& restored) {
  if (!restored) return restored.error();
  return std::string(kCanaryChain);
}

class IptablesBackend : public Backend {
 public:
  IptablesBackend(const Settings& settings, Family family, const std::string& flavour)
      : settings_(settings), family_(family), tool_(family, flavour) {}

  Family family() const override { return family_; }
  void set(const std::string& service, const ServiceFacts* facts,
           std::span<const SliceFacts> slices, const NodeFacts& node) override {
    IptablesRules rules;
    if (facts != nullptr) rules = build_iptables_rules(*facts, slices, node, settings_, family_);
    rules_.set(service, std::move(rules));
  }
  bool empty() const override { return rules_.empty(); }
  Transaction take(bool full, const NodeFacts& node) override {
    if (full) return take_full(node);
    std::string text = rules_.take_transaction(settings_, node, family_);
    if (text.empty()) return {};
    size_t bytes = text.size();
    std::vector<RuleCount> rules = counts(text, node);
    return {bytes, [tool = tool_, text = std::move(text)] { return as_seen(tool.restore(text)); },
            std::move(rules)};
  }
  Look look() const override;
  std::string title() const override {
    return family_ == Family::kIpv4 ? "iptables rules of Services" : "ip6tables rules of Services";
  }

 private:
  Transaction take_full(const NodeFacts& node);
  std::vector<RuleCount> counts(const std::string& restore, const NodeFacts& node) const;

  Settings settings_;
  Family family_;
  Tool tool_;
  IptablesSet rules_;
};

Backend::Transaction IptablesBackend::take_full(const NodeFacts& node) {
  IptablesSet::Whole whole = rules_.take_whole();
  // What is in the kernel decides only about jumps and leftovers: the size without them.
  std::string text = iptables_full_restore(whole, settings_, node, family_, "", "");
  auto apply = [whole = std::move(whole), settings = settings_, node, family = family_,
                tool = tool_]() -> Result<std::string> {
    TIPHYS_TRY(std::string, nat, tool.save("nat"));
    TIPHYS_TRY(std::string, filter, tool.save("filter"));
    return as_seen(tool.restore(iptables_full_restore(whole, settings, node, family, nat, filter)));
  };
  return {text.size(), std::move(apply), counts(text, node)};
}

std::vector<Backend::RuleCount> IptablesBackend::counts(const std::string& restore,
                                                        const NodeFacts& node) const {
  std::vector<RuleCount> counts;
  for (std::string_view table : {"filter", "nat"}) {
    size_t fixed = iptables_fixed_rules(table, settings_, node, family_).size();
    counts.push_back({table, rules_.rules(table) + fixed, iptables_written(restore, table)});
  }
  return counts;
}

Backend::Look IptablesBackend::look() const {
  return [tool = tool_, rule = canary_rule(settings_)]() -> Result<std::string> {
    for (std::string_view table : kCanaryTables) {
      TIPHYS_TRY(bool, there, tool.has_canary(table, rule));
      if (!there) return std::string();
    }
    return std::string(kCanaryChain);
  };
}

// To ask legacy iptables about a table would load it: the kernel says which there are.
bool has_legacy_table(Family family, std::string_view table) {
  const char* file = family == Family::kIpv4 ? "/proc/thread-self/net/ip_tables_names"
                                             : "/proc/thread-self/net/ip6_tables_names";
  Result<std::string> names = os::read_file(file, 4096);
  if (!names) return false;
  auto lines = split(*names, '\n');
  return std::find(lines.begin(), lines.end(), table) != lines.end();
}

Result<void> remove_from(Family family, const std::string& flavour, const Settings& settings) {
  bool all = settings.table == Settings().table;
  std::string ours = canary_rule(settings);
  Tool tool(family, flavour);
  for (std::string_view table : kCanaryTables) {
    if (flavour == "legacy" && !has_legacy_table(family, table)) continue;
    Result<std::string> saved = tool.save(table);
    if (!saved) return {};  // no such program, or a kernel without this table
    if (!all && saved->find(ours) == std::string::npos) continue;
    std::string text = iptables_removal(table, *saved);
    if (text.empty()) continue;
    Result<void> done = tool.restore(text);
    if (!done) return done;
  }
  return {};
}

}  // namespace

std::unique_ptr<Backend> make_iptables_backend(const Settings& settings, Family family,
                                               const std::string& flavour) {
  return std::make_unique<IptablesBackend>(settings, family, flavour);
}

Result<void> iptables_cleanup(const Settings& settings) {
  Result<void> outcome;
  for (Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const char* flavour : {"nft", "legacy"}) {
      Result<void> done = remove_from(family, flavour, settings);
      if (!done) outcome = done;
    }
  }
  return outcome;
}

}  // namespace tiphys::proxy
