#include "tests/cases/runner.h"

#include "base/strings.h"
#include "base/time.h"
#include "codec/codec.h"
#include "tests/cases/expectation.h"
#include "tests/cases/tree.h"

namespace tiphys::cases {
namespace {

// How long between two looks, by how long is waited at the most.
constexpr Duration kPoll = std::chrono::milliseconds(100);
constexpr Duration kLongWait = std::chrono::minutes(10);
// How long `for` looks where seconds are real.
constexpr Duration kRealLook = std::chrono::seconds(2);
Duration poll_of(Duration limit) { return limit > kLongWait ? kPoll * 10 : kPoll; }

class Runner {
 public:
  Runner(World& world, Mode mode, std::string id)
      : world_(world), mode_(mode), variables_{{"NS", id}, {"ID", id}} {}

  std::string run(const Case& one) {
    const std::string& ns = variables_["NS"];
    std::string found = do_step(R"({"create":{"apiVersion":"v1","kind":"Namespace","metadata":{)"
                                R"("name":"${NS}"}}})");
    if (found.empty() && mode_ == Mode::kCluster) {
      found = do_step(R"({"get":"serviceaccounts/default","within":"1m"})");
    }
    if (!found.empty()) return "namespace " + ns + ":\n" + found;
    std::string all;
    in_case_ = true;
    for (const CaseStep& step : one.steps) {
      found = do_step(step.json);
      if (!found.empty()) all += "  " + step.label + ": " + line_ + "\n" + found;
      if (!found.empty() && !step.alone) break;
    }
    in_case_ = false;
    all += do_step(R"({"delete":"namespaces/${NS}"})");
    if (all.empty() && mode_ == Mode::kCluster && !world_.is_thrown_away()) {
      all = do_step(R"({"get":"namespaces/${NS}","within":"5m","expect":{"status":404}})");
    }
    return all;
  }

 private:
  std::string do_step(std::string_view json) {
    Arena arena;
    Result<Value> step = read_step(json, arena);
    if (!step) return "    " + step.error().message() + "\n";
    const Node& node = step->as_node();
    if (left_out(node)) return "";
    if (node.find("restart").as_bool()) {
      world_.restart();
      return "";
    }
    for (const char* key :
         {"advance", "rest", "up", "down", "fail", "stall", "jump", "heartbeat", "custom"}) {
      if (!node.find(key).is_null()) return disturb(node);
    }
    if (node.find("within").is_null() && node.find("for").is_null()) return try_step(arena, *step);
    return wait_for(std::string(json), node);
  }

  std::string disturb(const Node& step) {
    line_ = std::string(step.data[0].as_text());
    Result<void> done;
    if (step.find("advance").is_null()) {
      done = world_.disturb(step);
    } else {
      Result<Duration> time = parse_go_duration(step.find("advance").as_text());
      if (time) world_.pass(*time);
      if (!time) done = time.error();
    }
    return done ? "" : "    " + done.error().message() + "\n";
  }

  // `within`: again until it is as expected; `for`: and then it stays so.
  std::string wait_for(const std::string& json, const Node& step) {
    Result<Duration> within = duration_of(step, "within");
    Result<Duration> lasting = duration_of(step, "for");
    if (!within || !lasting) return "    within and for are durations, as 1m30s\n";
    auto once = [&] {
      Arena arena;
      Result<Value> again = read_step(json, arena);
      return again ? try_step(arena, *again) : "    " + again.error().message() + "\n";
    };
    if (world_.is_real_time()) *lasting = std::min(*lasting, kRealLook);
    std::string found = once();
    MonoTime end = world_.mono() + *within;
    while (!found.empty() && world_.mono() < end) {
      world_.pass(poll_of(*within));
      found = once();
    }
    end = world_.mono() + *lasting;
    while (found.empty() && world_.mono() < end) {
      world_.pass(poll_of(*lasting));
      found = once();
    }
    return found;
  }

  static Result<Duration> duration_of(const Node& step, std::string_view key) {
    const Value& text = step.find(key);
    if (text.is_null()) return Duration::zero();
    return parse_go_duration(text.as_text());
  }

  std::string try_step(Arena& arena, Value step_value) {
    Value* step = &step_value;
    const Node& node = step->as_node();
    if (!node.find("set").is_null() || !node.find("unset").is_null()) {
      Result<void> changed = change_stored(arena, *step);
      if (!changed) return "    " + changed.error().message() + "\n";
    }
    Format format = mode_ == Mode::kProtobuf ? Format::kProtobuf : Format::kJson;
    Result<StepRequest> made = make_request(step->as_node(), variables_["NS"], format);
    if (!made) return "    " + made.error().message() + "\n";
    return send(node, std::move(*made));
  }

  // A server that was just opened knows no events from before: a watch from a version is 410 there.
  bool left_out(const Node& step) const {
    std::string_view only = step.find("only").as_text();
    if (world_.is_real_time() && only == "virtual") return true;
    if (mode_ == Mode::kProtobuf) return only == "json";
    return mode_ == Mode::kRestart && !step.find("watch").is_null();
  }

  Result<Value> read_step(std::string_view json, Arena& arena) {
    TIPHYS_TRY(std::string, text, substitute(json, variables_));
    return codec::decode_json_any(text, arena);
  }

  std::string send(const Node& step, StepRequest made) {
    line_ = made.request.method + " " + made.request.path;
    const Node& expect = step.find("expect").as_node();
    size_t events = expect.find("events").as_node().size;
    bool to_the_end = expect.find("ends").as_bool();
    std::string accept(made.request.headers.get("accept"));
    bool may_write = made.writes && made.request.query.find("dryRun") == std::string::npos;
    auto enough = [&](std::string_view text) {
      Arena arena;
      return !to_the_end && decode_events(accept, text, arena).size() >= events;
    };
    Reply reply = made.watch ? world_.send(std::move(made.request), enough)
                             : world_.send(std::move(made.request));
    bool writes = may_write && reply.status < 300;
    std::string found = unmet(expect, reply, made.success);
    if (found.empty()) found = save(step.find("save").as_node(), reply);
    if (found.empty() && writes && in_case_ && mode_ == Mode::kRestart) world_.restart();
    return found;
  }

  std::string save(const Node& wanted, const Reply& reply) {
    if (wanted.size == 0) return "";
    Arena arena;
    Result<Value> body = decode_answer(reply, arena);
    if (!body) return "    " + body.error().message() + "\n";
    for (uint32_t i = 0; i + 1 < wanted.size; i += 2) {
      auto encoded = cut_prefix(wanted.data[i + 1].as_text(), "decoded ");
      Result<Value> value = value_at(*body, encoded.value_or(wanted.data[i + 1].as_text()));
      if (!value) return "    " + value.error().message() + "\n";
      if (value->is_null())
        return "    nothing to save at " + plain_text(wanted.data[i + 1]) + "\n";
      std::string text = plain_text(*value);
      if (encoded) text = base64_decode(text).value_or("");
      variables_[std::string(wanted.data[i].as_text())] = std::move(text);
    }
    return "";
  }

  // `update` with `set` or `unset`: what is stored, with these changes.
  Result<void> change_stored(Arena& arena, Value& step) {
    Node& node = *step.node;
    const Value& update = node.find("update");
    std::string_view ns = variables_["NS"];
    if (std::string_view other = node.find("ns").as_text(); !other.empty()) ns = other;
    TIPHYS_TRY(std::string, path,
               update.type == ValueType::kMap ? path_of_object(update.as_node(), ns, true)
                                              : path_of(update.as_text(), ns));
    net::Request get{.method = "GET", .path = path};
    get.headers.set("authorization", "Bearer " + std::string(kAdminToken));
    get.headers.set("accept", "application/json");
    Reply reply = world_.send(std::move(get));
    if (reply.status != 200) return ApiStatus::bad_request("GET " + path + ": " + reply.body);
    TIPHYS_TRY(Value, object, codec::decode_json_any(reply.body, arena));
    Result<void> changed = change(arena, object, node);
    if (!changed) return changed;
    set_entry(arena, node, "update", object);
    return {};
  }

  World& world_;
  Mode mode_;
  std::map<std::string, std::string> variables_;
  bool in_case_ = false;  // not making or removing its namespace
  std::string line_;
};

}  // namespace

std::string run_case(World& world, const Case& one, Mode mode) {
  static int number = 0;
  return Runner(world, mode, world.prefix() + std::to_string(++number)).run(one);
}

}  // namespace tiphys::cases
