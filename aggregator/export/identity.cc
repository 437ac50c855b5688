// SPDX-License-Identifier: Apache-2.0
#include "aggregator/export/identity.h"

#include "aggregator/api/time_text.h"
#include "aggregator/export/writer.h"

namespace cloudmon::exports {
namespace {

using api::Quoted;
using series::Kind;

Error Refuse(std::string message) {
  return {ErrorCode::kParse, std::move(message)};
}

// Where the namespace ends, for all that the key alone says.
std::size_t FirstSeparator(std::string_view key) {
  return key.find(kKeySeparator);
}

}  // namespace

Status EntryIdentity::CheckKey(Kind kind, std::string_view key) {
  if (key.empty()) return Refuse("expected a name, got ''");
  if (kind != Kind::kDeployment) return Status::Ok();
  const std::size_t separator = FirstSeparator(key);
  if (separator != std::string_view::npos && separator + kKeySeparator.size() < key.size()) return Status::Ok();
  return Refuse("expected <namespace>::<deployment>, got " + Quoted(key));
}

bool EntryIdentity::Has(std::string_view field) const {
  switch (kind_) {
    case Kind::kNode:
      return field == "node";
    case Kind::kPod:
      return field == "node" || field == "namespace" || field == "deployment" || field == "pod";
    case Kind::kNamespace:
      return field == "namespace";
    case Kind::kDeployment:
      return field == "namespace" || field == "deployment";
    case Kind::kCluster:
      break;
  }
  return false;
}

Status EntryIdentity::Set(std::string_view field, std::string_view value) {
  (field == "node"         ? fields_.node
   : field == "namespace"  ? fields_.ns
   : field == "deployment" ? fields_.deployment
                           : fields_.pod) = value;
  bool agrees = true;
  if (kind_ == Kind::kDeployment) {
    const std::string separator(kKeySeparator);
    agrees = field == "namespace" ? key_.starts_with(std::string(value) + separator)
                                  : key_.ends_with(separator + std::string(value));
  } else if (field == KindName(kind_)) {
    agrees = value == key_;
  }
  if (agrees) return Status::Ok();
  return Refuse("does not agree with its key " + Quoted(key_) + ": " + Quoted(value));
}

Result<series::Member> EntryIdentity::Finish() const {
  series::Member member = fields_;
  member.kind = kind_;
  if (kind_ == Kind::kNode) member.node = key_;
  if (kind_ == Kind::kNamespace) member.ns = key_;
  if (kind_ == Kind::kPod) member.pod = key_;
  if (kind_ == Kind::kDeployment) {
    const std::size_t around = kKeySeparator.size();
    if (member.deployment.empty()) {
      if (member.ns.empty()) member.ns = key_.substr(0, FirstSeparator(key_));
      member.deployment = key_.substr(member.ns.size() + around);
    } else if (member.ns.empty()) {
      member.ns = key_.substr(0, key_.size() - around - member.deployment.size());
    }
    if (KeyOf(member) != key_) return Refuse("namespace and deployment do not make its key " + Quoted(key_));
  }
  return member;
}

}  // namespace cloudmon::exports
