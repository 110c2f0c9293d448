#include "tests/control/fault_transport.h"

namespace tiphys::control {
namespace {

ApiStatus error_of(int code) {
  switch (code) {
    case 404:
      return ApiStatus(404, "NotFound", "404 page not found");
    case 409:
      return ApiStatus::conflict("", "", "", "the object has been modified");
    case 503:
      return ApiStatus::service_unavailable("the API server is away");
    default:
      return ApiStatus::internal("ordered by the test");
  }
}

// Holds events back while its path is stalled.
class StallingWatch : public client::WatchStream {
 public:
  StallingWatch(FaultPlan& plan, std::string path, std::unique_ptr<client::WatchStream> inner)
      : plan_(plan), path_(std::move(path)), inner_(std::move(inner)) {}

  Task<Result<std::optional<client::WatchEvent>>> next(StopToken stop) override {
    Result<std::optional<client::WatchEvent>> event = co_await inner_->next(stop);
    Duration left = plan_.stalled_until(path_) - plan_.loop().mono();
    if (left > Duration::zero()) co_await sleep_for(plan_.loop(), left, stop);
    co_return event;
  }

 private:
  FaultPlan& plan_;
  std::string path_;
  std::unique_ptr<client::WatchStream> inner_;
};

}  // namespace

MonoTime FaultPlan::stalled_until(const std::string& path) const {
  MonoTime latest{0};
  for (const Stall& stall : stalls_) {
    if (re2::RE2::PartialMatch(path, *stall.paths)) latest = std::max(latest, stall.until);
  }
  return latest;
}

const FaultPlan::Fault* FaultPlan::hit(const client::Request& request) {
  std::string line = request.method + " " + request.path;
  for (Fault& fault : faults_) {
    if (fault.times == 0 || loop_.mono() > fault.until) continue;
    if (!re2::RE2::PartialMatch(line, *fault.requests)) continue;
    --fault.times;
    return &fault;
  }
  return nullptr;
}

void FaultPlan::note(const client::Request& request) {
  if (request.path.find("/leases") != std::string::npos) return;
  ++requests_;
  if (request.method != "GET") writes_.push_back(request.method + " " + request.path);
}

Task<Result<client::Response>> FaultTransport::send(client::Request request) {
  const FaultPlan::Fault* fault = plan_.hit(request);
  int code = fault ? fault->code : 0;
  if (fault && !fault->lost) co_return error_of(code);
  plan_.note(request);
  Result<client::Response> answer = co_await inner_.send(std::move(request));
  if (code != 0) co_return error_of(code);
  co_return answer;
}

Task<Result<std::unique_ptr<client::WatchStream>>> FaultTransport::watch(client::Request request) {
  const FaultPlan::Fault* fault = plan_.hit(request);
  if (fault) co_return error_of(fault->code);
  plan_.note(request);
  std::string path = request.path;
  Result<std::unique_ptr<client::WatchStream>> answer = co_await inner_.watch(std::move(request));
  if (!answer) co_return answer;
  std::unique_ptr<client::WatchStream> stalling =
      std::make_unique<StallingWatch>(plan_, std::move(path), std::move(*answer));
  co_return stalling;
}

}  // namespace tiphys::control
