#include "tests/control/model_command.h"

#include <vector>

#include "base/strings.h"

namespace tiphys::control {
namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (char c : text) {
    if (c == '"') continue;
    if (c != ' ' && c != '\n') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, ""));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

class Interpreter {
 public:
  explicit Interpreter(std::string_view index) : index_(index) {}

  std::optional<ModelCommand> script(std::string_view text) {
    while (!text.empty() && !ended_) {
      size_t end = std::min(text.find(';'), text.size());
      std::vector<std::string> words = words_of(text.substr(0, end));
      if (!words.empty() && !command(words)) return std::nullopt;
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out_;
  }

  // False: unknown.
  bool command(std::vector<std::string> words) {
    for (std::string& word : words) {
      if (word == "$JOB_COMPLETION_INDEX") word = index_;
    }
    const std::string& name = words[0];
    if (name == "true") return result(0);
    if (name == "false") return result(1);
    if (name == "exit" && words.size() == 2) {
      ended_ = true;
      return result(static_cast<int>(parse_int(words[1]).value_or(1)));
    }
    if (name == "sleep" && words.size() == 2) return sleep(words[1]);
    if (name == "test" && words.size() == 4) {
      return result((words[1] == words[3]) == (words[2] == "=") ? 0 : 1);
    }
    return false;
  }

  ModelCommand out() const { return out_; }

 private:
  bool result(int code) {
    out_.exit_code = code;
    return true;
  }
  bool sleep(const std::string& time) {
    if (time == "infinity") {
      out_.runs_for.reset();
      ended_ = true;
      return true;
    }
    *out_.runs_for += std::chrono::seconds(parse_int(time).value_or(0));
    return result(0);
  }

  std::string index_;
  ModelCommand out_{.runs_for = Duration::zero()};
  bool ended_ = false;
};

}  // namespace

std::optional<ModelCommand> model_command(core_v1::Container container,
                                          std::string_view completion_index) {
  std::vector<std::string> words;
  for (std::string_view word : container.command()) words.emplace_back(word);
  for (std::string_view word : container.args()) words.emplace_back(word);
  if (words.empty()) return ModelCommand{};
  Interpreter interpreter(completion_index);
  if (words[0] == "sh" && words.size() == 3 && words[1] == "-c")
    return interpreter.script(words[2]);
  if (!interpreter.command(words)) return std::nullopt;
  return interpreter.out();
}

namespace {

constexpr Duration kLeaseSlack = std::chrono::seconds(10);  // a Lease outlives its renewal
constexpr std::string_view kIndexLabel = "batch.kubernetes.io/job-completion-index";

bool probe_fails(core_v1::Container container) {
  for (std::string_view word : container.readiness_probe().exec().command()) {
    return word == "false";
  }
  return false;
}

kubelet::HollowRun model_run(core_v1::Pod pod, core_v1::Container container, bool init) {
  auto command = model_command(container, pod.metadata().labels().find(kIndexLabel));
  kubelet::HollowRun run{.runs_for = Duration::zero(), .exit_code = 127};
  if (command) run = {.runs_for = command->runs_for, .exit_code = command->exit_code};
  run.image_missing = container.image().starts_with("missing");
  run.unready = probe_fails(container);
  return run;
}

}  // namespace

kubelet::HollowOptions model_nodes(Duration heartbeat) {
  kubelet::HollowOptions options;
  options.facts = kubelet::hollow_facts(64, int64_t{256} << 30);
  options.node.max_pods = 20'000;
  options.behaviour = model_run;
  options.reaction = std::chrono::milliseconds(200);
  options.renew_interval = heartbeat;
  auto lasts = std::chrono::duration_cast<std::chrono::seconds>(heartbeat + kLeaseSlack);
  options.node.node_lease_duration_seconds = lasts.count();
  options.node.node_status_report_frequency = std::chrono::hours(24);
  return options;
}

}  // namespace tiphys::control
