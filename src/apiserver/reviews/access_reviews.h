// Internal to reviews/: one function for each kind. See reviews.h.
#pragma once
#include "apiserver/reviews/reviews.h"

namespace tiphys::apiserver {

Result<ObjectPtr> review_subject_access(const ReviewParts& parts, const Draft& object);
Result<ObjectPtr> review_local_subject_access(const ReviewParts& parts, std::string_view ns,
                                              const Draft& object);
Result<ObjectPtr> review_self_subject_access(const ReviewParts& parts, const Draft& object,
                                             const UserInfo& user);
Result<ObjectPtr> review_self_subject_rules(const ReviewParts& parts, const Draft& object,
                                            const UserInfo& user);
Result<ObjectPtr> review_token(const ReviewParts& parts, const Draft& object);
Result<ObjectPtr> review_self_subject(const ReviewParts& parts, const UserInfo& user);

}  // namespace tiphys::apiserver
