#include "tests/control/fault_transport.h"

namespace tiphys::control {
namespace {

ApiStatus error_of(int code) {
  switch (code) {
    case 409:
      return ApiStatus::conflict("", "", "", "the object has been modified");
    case 503:
      return ApiStatus::service_unavailable("the API server is away");
    default:
      return ApiStatus::internal("ordered by the test");
  }
}

}  // namespace

const FaultTransport::Fault* FaultTransport::hit(const client::Request& request) {
  std::string line = request.method + " " + request.path;
  for (Fault& fault : faults_) {
    if (fault.times == 0 || clock_.mono() > fault.until) continue;
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
  if (request.method != "GET" && !lease) writes_.push_back(request.method + " " + request.path);
  Result<client::Response> answer = co_await inner_.send(std::move(request));
  if (fault) co_return error_of(code);
  co_return answer;
}

Task<Result<std::unique_ptr<client::WatchStream>>> FaultTransport::watch(client::Request request) {
  const Fault* fault = hit(request);
  if (fault) co_return error_of(fault->code);
  Result<std::unique_ptr<client::WatchStream>> answer = co_await inner_.watch(std::move(request));
  co_return answer;
}

}  // namespace tiphys::control
