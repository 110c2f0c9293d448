#include "tests/control/hollow_cluster.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include <filesystem>
#include <thread>

#include "os/files.h"
#include "tests/cases/expectation.h"

namespace tiphys::control {
namespace {

constexpr Duration kPoll = std::chrono::milliseconds(10);
constexpr Duration kStartLimit = std::chrono::seconds(60);
constexpr Duration kQuiet = std::chrono::seconds(3);
constexpr Duration kRestLimit = std::chrono::seconds(60);
constexpr size_t kLogBytes = 1500;

// What the controllers write, Leases aside.
constexpr std::string_view kAuditPolicy = R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [get, list, watch]}
- {level: None, resources: [{group: coordination.k8s.io, resources: [leases]}]}
- {level: Metadata, users: [system:kube-controller-manager]}
- {level: Metadata, userGroups: [system:serviceaccounts:kube-system]}
)";

// Nodes renew every second (model_node.cc), so that lost ones are noticed soon; autoscalers look
// three times as often as they would.
const std::vector<std::string> kControllerFlags = {
    "--use-service-account-credentials",
    "--controllers=*,bootstrap-signer-controller,token-cleaner-controller",
    "--node-monitor-grace-period=8s",
    "--node-startup-grace-period=8s",
    "--allocate-node-cidrs",
    "--cluster-cidr=10.42.0.0/16",
    "--legacy-service-account-token-clean-up-period=1s",
    "--horizontal-pod-autoscaler-sync-period=5s"};

int free_port() {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

std::string beside_us(const std::string& name) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

net::Request get(std::string path) {
  net::Request request{.method = "GET", .path = std::move(path)};
  request.headers.set("accept", "application/json");
  return request;
}

}  // namespace

Result<std::unique_ptr<HollowCluster>> HollowCluster::open(const std::string& tiphys) {
  std::unique_ptr<HollowCluster> cluster(new HollowCluster(tiphys));
  Result<void> started = cluster->start();
  if (started) started = cluster->wait_until("ready nodes", [&] { return cluster->are_ready(); });
  if (!started) return ApiStatus::internal(started.error().message() + "\n" + cluster->logs());
  return cluster;
}

HollowCluster::~HollowCluster() { kill_all(); }

Result<void> HollowCluster::start() {
  Result<void> done = start_server();
  if (done) done = start_controllers();
  if (done) done = run("volumes", {beside_us("model_node"), kubeconfig("admin"), "volumes"});
  for (const std::string& name : nodes_) {
    if (done) done = run_node(name);
  }
  return done;
}

Result<void> HollowCluster::start_server() {
  std::string port = std::to_string(free_port());
  server_ = "https://127.0.0.1:" + port;
  Result<void> done = os::write_file(path("audit.yaml"), kAuditPolicy);
  if (!done) return done;
  done =
      run("kube-apiserver",
          {tiphys_, "kube-apiserver", "--data-dir=" + path("data"), "--bind-address=127.0.0.1",
           "--secure-port=" + port, "--service-cluster-ip-range=10.43.0.0/16", "--allow-privileged",
           "--audit-policy-file=" + path("audit.yaml"), "--audit-log-path=" + path("audit.log")});
  if (!done) return done;
  return wait_until("API server", [this] { return is_served(); });
}

Result<void> HollowCluster::start_controllers() {
  std::vector<std::string> manager = {tiphys_, "kube-controller-manager"};
  std::vector<std::string> scheduler = {tiphys_, "kube-scheduler"};
  for (std::vector<std::string>* part : {&manager, &scheduler}) {
    part->insert(part->end(), {"--kubeconfig=" + kubeconfig((*part)[1]), "--leader-elect=false",
                               "--secure-port=0", "--kube-api-qps=-1"});
  }
  manager.insert(manager.end(), kControllerFlags.begin(), kControllerFlags.end());
  manager.push_back("--root-ca-file=" + path("data/pki/ca.crt"));
  manager.push_back("--service-account-private-key-file=" + path("data/pki/sa.key"));
  manager.push_back("--cluster-signing-cert-file=" + path("data/pki/ca.crt"));
  manager.push_back("--cluster-signing-key-file=" + path("data/pki/ca.key"));
  Result<void> done = run(manager[1], manager);
  if (done) done = run(scheduler[1], scheduler);
  return done;
}

Result<void> HollowCluster::run(const std::string& name, std::vector<std::string> arguments) {
  TIPHYS_TRY(os::Process, started,
             os::Process::start({.arguments = std::move(arguments),
                                 .environment = {},
                                 .directory = "",
                                 .output_path = path(name + ".log"),
                                 .new_session = true,
                                 .kill_with_parent = true}));
  processes_.insert_or_assign(name, std::move(started));
  return {};
}

Result<void> HollowCluster::run_node(const std::string& name) {
  return run(name, {beside_us("model_node"), kubeconfig("admin"), name});
}

void HollowCluster::kill(const std::string& name) {
  auto found = processes_.find(name);
  if (found == processes_.end()) return;
  found->second.signal(SIGKILL);
  found->second.wait();
  processes_.erase(found);
}

void HollowCluster::kill_all() {
  for (auto& [name, process] : processes_) process.signal(SIGKILL);
  while (!processes_.empty()) kill(processes_.begin()->first);
}

Result<void> HollowCluster::wait_until(const std::string& what, std::function<bool()> is_so) {
  MonoTime end = SystemClock().mono() + kStartLimit;
  while (!is_so()) {
    if (processes_.at("kube-apiserver").poll()) return ApiStatus::internal("the server has ended");
    if (SystemClock().mono() > end) return ApiStatus::internal("no " + what);
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

// The certificates are the first thing that a new server makes.
bool HollowCluster::is_served() {
  auto live = LiveWorld::open(kubeconfig("admin"));
  if (!live) return false;
  live_ = std::move(*live);
  return live_->send(get("/readyz")).status == 200;
}

// A node that is not ready has a taint.
bool HollowCluster::are_ready() {
  cases::Reply reply = live_->send(get("/api/v1/nodes"));
  Arena arena;
  Result<Value> list = cases::decode_answer(reply, arena);
  if (!list || reply.status != 200) return false;
  size_t ready = 0;
  for (const Value& item : list->as_node().find("items").as_node().items()) {
    if (item.as_node().find("spec").as_node().find("taints").is_null()) ++ready;
  }
  return ready == nodes_.size();
}

std::string HollowCluster::kubeconfig(const std::string& user) const {
  std::string pki = path("data/pki/");
  std::string text =
      "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters:\n"
      "- {name: it, cluster: {server: '" +
      server_ + "', certificate-authority: " + pki +
      "ca.crt}}\nusers:\n"
      "- {name: it, user: {client-certificate: " +
      pki + user + ".crt, client-key: " + pki + user +
      ".key}}\ncontexts:\n"
      "- {name: it, context: {cluster: it, user: it}}\n";
  (void)os::write_file_atomic(path(user + ".conf"), text, 0600);
  return path(user + ".conf");
}

cases::Reply HollowCluster::send(net::Request request, std::function<bool(std::string_view)> enough,
                                 Duration limit) {
  return live_->send(std::move(request), std::move(enough), limit);
}

void HollowCluster::restart() {
  kill_all();
  (void)start();  // what does not come back fails the next step
}

Result<void> HollowCluster::disturb(const Node& step) {
  if (const Value& name = step.find("up"); !name.is_null()) {
    nodes_.insert(std::string(name.as_text()));
    return run_node(std::string(name.as_text()));
  }
  if (const Value& name = step.find("down"); !name.is_null()) {
    nodes_.erase(std::string(name.as_text()));
    kill(std::string(name.as_text()));
    return {};
  }
  if (const Value& span = step.find("rest"); !span.is_null()) {
    TIPHYS_TRY(Duration, quiet, parse_go_duration(span.as_text()));
    return rest(std::min(quiet, kQuiet));
  }
  return live_->disturb(step);
}

Result<void> HollowCluster::rest(Duration quiet) {
  MonoTime end = mono() + kRestLimit;
  std::string news;
  while (mono() < end) {
    TIPHYS_TRY(std::string, before, os::read_file(path("audit.log")));
    pass(quiet);
    TIPHYS_TRY(std::string, after, os::read_file(path("audit.log")));
    news = after.substr(before.size());
    if (news.empty()) return {};
  }
  return ApiStatus::bad_request("still written:\n" + news.substr(0, kLogBytes));
}

std::string HollowCluster::logs() const {
  std::string all;
  for (const auto& [name, process] : processes_) {
    Result<std::string> text = os::read_file(path(name + ".log"));
    if (!text) continue;
    all += "--- " + name + "\n" + text->substr(text->size() - std::min(text->size(), kLogBytes));
  }
  return all;
}

}  // namespace tiphys::control
