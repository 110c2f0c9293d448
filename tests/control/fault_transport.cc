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

}  // namespace

// Holds events back while its path is stalled.
class FaultTransport::StallingWatch : public client::WatchStream {
 public:
  StallingWatch(FaultTransport& owner, std::string path, std::unique_ptr<client::WatchStream> inner)
      : owner_(owner), path_(std::move(path)), inner_(std::move(inner)) {}

  Task<Result<std::optional<client::WatchEvent>>> next(StopToken stop) override {
    Result<std::optional<client::WatchEvent>> event = co_await inner_->next(stop);
    MonoTime until = owner_.stalled_until(path_);
    if (until > owner_.loop_.mono()) {
      co_await sleep_for(owner_.loop_, until - owner_.loop_.mono(), stop);
    }
    co_return event;
  }

 private:
  FaultTransport& owner_;
  std::string path_;
  std::unique_ptr<client::WatchStream> inner_;
};

MonoTime FaultTransport::stalled_until(const std::string& path) const {
  MonoTime latest{0};
  for (const Stall& stall : stalls_) {
    if (re2::RE2::PartialMatch(path, *stall.paths)) latest = std::max(latest, stall.until);
  }
  return latest;
}

const FaultTransport::Fault* FaultTransport::hit(const client::Request& request) {
  std::string line = request.method + " " + request.path;
  for (Fault& fault : faults_) {
    if (fault.times == 0 || loop_.mono() > fault.until) continue;
    if (!re2::RE2::PartialMatch(line, *fault.requests)) continue;
    --fault.times;
    return &fault;
  }
  return nullptr;
}

Task<Result<client::Response>> FaultTransport::send(client::Request request) {
  const Fault* fault = hit(request);
  int code = fault ? fault->code : 0;
  if (fault && !fault->lost) co_return error_of(code);
  bool lease = request.path.find("/leases") != std::string::npos;
  if (!lease) ++requests_;
  if (request.method != "GET" && !lease) writes_.push_back(request.method + " " + request.path);
  Result<client::Response> answer = co_await inner_.send(std::move(request));
  if (fault) co_return error_of(code);
  co_return answer;
}

Task<Result<std::unique_ptr<client::WatchStream>>> FaultTransport::watch(client::Request request) {
  const Fault* fault = hit(request);
  if (fault) co_return error_of(fault->code);
  ++requests_;
  std::string path = request.path;
  Result<std::unique_ptr<client::WatchStream>> answer = co_await inner_.watch(std::move(request));
  if (!answer) co_return answer;
  std::unique_ptr<client::WatchStream> stalling =
      std::make_unique<StallingWatch>(*this, std::move(path), std::move(*answer));
  co_return stalling;
}

}  // namespace tiphys::control
