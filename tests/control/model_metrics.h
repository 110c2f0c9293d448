// ModelMetrics: a Transport that serves the metrics APIs for model pods, and passes everything else
// on. What is used says the ConfigMap `model-metrics` of a namespace; none: there are no samples.
//
//   cpu: 250m, cpu.NAME: 1     each container of each running pod, or those named NAME
//   total.cpu: "2"             shared by all running pods of the namespace
//   hits: "30"                 the custom metric `hits` of each running pod
//   object.services.web.hits   of an object; object.metrics.hits: of the namespace
//   external.queue: 30 20      values of an external metric
//
// A pod's annotation `model/cpu: none` takes away its samples. For tests only; loop thread only.
#pragma once
#include "async/loop.h"
#include "client/client.h"

namespace tiphys::control {

class ModelMetrics : public client::Transport {
 public:
  // It reads pods and the ConfigMap through `data`.
  ModelMetrics(Loop& loop, client::Transport& inner, client::Transport& data)
      : loop_(loop), inner_(inner), client_(data, "model-metrics") {}
  Task<Result<client::Response>> send(client::Request request) override;
  Task<Result<std::unique_ptr<client::WatchStream>>> watch(client::Request request) override {
    return inner_.watch(std::move(request));
  }

 private:
  struct Asked {
    std::string api;                 // "metrics", "custom", "external"
    std::string ns;                  // "": the group itself
    std::vector<std::string> parts;  // of the path below the namespace
    std::string selector;
  };
  static std::optional<Asked> parse(const client::Request& request);
  Task<Result<client::Response>> answer(Asked asked);
  Task<Result<std::vector<ObjectPtr>>> running_pods(std::string ns, std::string selector);
  std::string sample(const std::string& about, const std::string& value) const;

  Loop& loop_;
  client::Transport& inner_;
  client::Client client_;
};

}  // namespace tiphys::control
