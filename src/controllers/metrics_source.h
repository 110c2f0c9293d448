// MetricsSource: where autoscalers get figures from. ApiMetrics asks the metrics APIs
// (metrics.k8s.io/v1beta1, custom.metrics.k8s.io/v1beta1 and v1beta2,
// external.metrics.k8s.io/v1beta1), whoever serves them.
//
// Loop thread only. Values are thousandths. Selectors are texts, "" for none. Errors: upstream's.
// Source: k8s.io/kubernetes pkg/controller/podautoscaler/metrics, k8s.io/metrics pkg/client.
#pragma once
#include <string>
#include <vector>

#include "client/client.h"
#include "controllers/replica_calculator.h"

namespace tiphys::controllers {

class MetricsSource {
 public:
  struct Described {
    std::string group;
    std::string kind;
    std::string name;
  };

  virtual ~MetricsSource() = default;
  // What pods use of a resource; one container of each, if it is named. Not empty.
  virtual Task<Result<PodMetrics>> resource_usage(std::string resource, std::string ns,
                                                  std::string selector, std::string container) = 0;
  // A custom metric of pods. Not empty.
  virtual Task<Result<PodMetrics>> pods_metric(std::string metric, std::string ns,
                                               std::string selector,
                                               std::string metric_selector) = 0;
  virtual Task<Result<int64_t>> object_metric(std::string metric, std::string ns, Described object,
                                              std::string metric_selector) = 0;
  // Every value of an external metric. Not empty.
  virtual Task<Result<std::vector<int64_t>>> external_metric(std::string metric, std::string ns,
                                                             std::string metric_selector) = 0;
};

class ApiMetrics : public MetricsSource {
 public:
  explicit ApiMetrics(client::Client& client) : client_(client) {}
  Task<Result<PodMetrics>> resource_usage(std::string resource, std::string ns,
                                          std::string selector, std::string container) override;
  Task<Result<PodMetrics>> pods_metric(std::string metric, std::string ns, std::string selector,
                                       std::string metric_selector) override;
  Task<Result<int64_t>> object_metric(std::string metric, std::string ns, Described object,
                                      std::string metric_selector) override;
  Task<Result<std::vector<int64_t>>> external_metric(std::string metric, std::string ns,
                                                     std::string metric_selector) override;

 private:
  Task<Result<std::string>> custom_path(std::string ns);
  client::Client& client_;
};

}  // namespace tiphys::controllers
