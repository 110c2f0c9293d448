// CRI messages to the kubelet's plain records. Pure.
#pragma once
#include "kinds/cri_v1.h"
#include "kubelet/runtime/runtime.h"

namespace tiphys::kubelet {

SandboxRecord sandbox_record(cri_v1::PodSandbox sandbox);
SandboxRecord sandbox_record(cri_v1::PodSandboxStatus status);
ContainerRecord container_record(cri_v1::Container container);
ContainerRecord container_record(cri_v1::ContainerStatus status);
ImageRecord image_record(cri_v1::Image image);
// Nothing: it has no CPU or no memory figure, as a stopped container has none.
ImageFsRecord image_fs_record(cri_v1::FilesystemUsage fs);
std::optional<UsageRecord> usage_record(cri_v1::ContainerStats stats);
RuntimeStatus runtime_status(cri_v1::StatusResponse answer);

}  // namespace tiphys::kubelet
