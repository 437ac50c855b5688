// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ingest/document.h"
#include "aggregator/ingest/names.h"

namespace cloudmon::ingest {

// "byte 17 (line 2, column 5): " for a message; all count from 1.
[[nodiscard]] std::string TextPlace(std::string_view body, std::size_t position);

// Takes the parser's events in their order and fills a Document as they come: no tree is built, so that what is skipped
// costs nothing, and depth neither. Each event returns false where the document is refused. Of one thread.
class Reader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Reader(std::string_view body) : body_(body) {}

  // After the last event.
  Result<Document> Finish();

  bool null() override;
  bool boolean(bool value) override;
  bool number_integer(number_integer_t value) override;
  bool number_unsigned(number_unsigned_t value) override;
  bool number_float(number_float_t value, const string_t& text) override;
  bool string(string_t& value) override;
  bool binary(binary_t& value) override;
  bool start_object(std::size_t elements) override;
  bool key(string_t& value) override;
  bool end_object() override;
  bool start_array(std::size_t elements) override;
  bool end_array() override;
  bool parse_error(std::size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& error) override;

 private:
  // An open object or array, and where in it we are.
  struct Frame {
    Place place;
    std::string key{};                // of an object: its last
    const KnownName* name = nullptr;  // of `key`; nullptr: not known
    std::uint32_t seen = 0;           // of an object: a bit for each of kKnownNames
    std::size_t index = 0;            // of an array: entries before this one
  };
  struct Number {
    double real = 0;
    std::optional<std::uint64_t> whole{};  // where it is one and not negative
  };

  [[nodiscard]] bool Skipped() const;
  [[nodiscard]] std::string_view Expected() const;
  [[nodiscard]] std::string Pointer() const;
  [[nodiscard]] Fields& FieldsHere();

  // All set error_ and return false.
  bool Refuse(std::string_view message);
  bool RefuseType(std::string_view got);
  bool RefuseMissing(std::string_view name);

  bool TakeNumber(const Number& number);
  bool TakeValue(const Number& number, std::optional<std::uint64_t>& value);
  bool TakeReal(const Number& number, std::optional<double>& value);
  bool TakeName(const std::string& text, std::string& name);
  bool Open(std::string_view got);
  bool Enter(Place place);
  bool Keep(Place place);
  bool KeepPod();
  bool KeepGroup(bool is_deployment);
  bool KeepDocument();

  const std::string_view body_;
  std::vector<Frame> frames_;   // at most four: document, pods, pod, io_stats
  std::size_t skip_depth_ = 0;  // objects and arrays open in a value that is skipped
  Fields document_fields_, entry_fields_;
  Document document_;
  std::string error_;
};

}  // namespace cloudmon::ingest
