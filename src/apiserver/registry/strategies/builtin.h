// The strategies that are more than a row: see strategies.cc for the table. Stateless.
#pragma once
#include "apiserver/registry/strategy.h"

namespace tiphys::apiserver {

Strategy pod_strategy();
Strategy service_strategy();
Strategy config_map_strategy();
Strategy secret_strategy();
Strategy replication_controller_strategy();
Strategy namespace_strategy();
Strategy pod_template_strategy();
Strategy persistent_volume_strategy();
Strategy persistent_volume_claim_strategy();
Strategy limit_range_strategy();
Strategy resource_quota_strategy();
Strategy node_strategy();
Strategy event_strategy();
Strategy certificate_signing_request_strategy();
Strategy endpoint_slice_strategy();
Strategy job_strategy();
Strategy resource_claim_strategy();
Strategy resource_claim_template_strategy();

}  // namespace tiphys::apiserver
