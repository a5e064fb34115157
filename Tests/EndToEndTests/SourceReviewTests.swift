import Foundation
import Testing

/// What ends a program without a word, and must not come back into the sources.
@Suite struct SourceReviewTests {
  private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Sources")

  /// Every line of code, without comments, with its place.
  private func lines() throws -> [(place: String, text: String)] {
    var result: [(String, String)] = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: Self.sources.path).sorted()
    where name.hasSuffix(".swift") {
      let text = try String(
        contentsOf: Self.sources.appendingPathComponent(name), encoding: .utf8)
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      where !line.drop(while: { $0 == " " }).hasPrefix("//") {
        result.append(("\(name):\(number + 1)", String(line)))
      }
    }
    #expect(result.count > 30_000)
    return result
  }

  @Test func nothingIsTriedByForce() throws {
    for (place, text) in try lines() {
      #expect(!text.contains("try!") && !text.contains(" as! "), "\(place): \(text)")
    }
  }

  /// Conversions to Int of what is an integer already, reviewed one by one: bytes, bits, counts of C functions, and
  /// texts, which give nil. Of a Double there is only `Int(exactly:)` and `Int(saturating:)`.
  private static let integers = [
    // Texts, which give nil.
    "Int(text)", "Int(text.dropFirst(4))", "Int(parts[2])", "Int(code.dropFirst())",
    "LinearCore/AvailableProcessors.swift Int($0)",
    "Datasets/Images/IDXImages.swift Int($0)", "Formats/Tensors/Tensor.swift Int($0)",
    "Formats/MemoryBudget.swift Int($0)", "Int(text(path)",
    "Command/Options/ModelOptions.swift Int($0)", "Int(entries[",
    "Int(String(decoding: digits, as: UTF8.self), radix: 8)",
    // Bytes, bits and words of files.
    "Int(byte - 0x30)", "Int(bytes[position] - 0x30)", "Formats/Numpy/NPYHeader.swift Int($1)",
    "Formats/IDX.swift Int($1)", "Int($1.element)", "Int(code)",
    "Int(contents[3])", "Int(Int32(truncatingIfNeeded: try natural(4)))",
    "Int(digits.reversed()", "Int(bits & 1)", "Int(bits & 255)", "Int((bits >> 62) & 1)",
    "Int(batch.bytes[$0 * Self.recordBytes])", "Int(UInt32(littleEndian: trailer))",
    "Int($0 >> 4)", "Int($0 & 15)",

    // Counts and places of C functions and of 32 bits.
    "Int(lseek(file, 0, SEEK_END))", "Int(information.st_size)", "Int(stream.avail_out)",
    "Int(stream.avail_in)", "Int(got)", "Int(max(0, zip_source_read", "Int(gaining[k])",
    "Int(set[k])", "Int(cblas_i", "Int(workSize)", "Int(integerSize)", "Int(info)", "Int(total)",
    "Int(moving)", "Int(PATH_MAX)", "Int(places[", "Int(map.places[k])", "Int(ofValues[j])",
    "BoundPropagation/Propagation/ScaledNode.swift Int(i)",
    "Formats/VNNLIB/VNNLIBParser.swift Int(digits)",
  ]

  @Test func noDoubleBecomesAnIntegerUnchecked() throws {
    let pattern = try Regex(
      #"\bInt\((?!exactly:|saturating:|truncatingIfNeeded:|bitPattern:|clamping:)"#)
    var isUsed = Set<String>()
    for (place, text) in try lines() {
      for match in text.matches(of: pattern) {
        let call = text[match.range.lowerBound...]
        let file = place.prefix { $0 != ":" }
        let known = Self.integers.first { allowed in
          // Short names are allowed in one file only.
          let parts = allowed.split(separator: " ", maxSplits: 1)
          return parts[0].hasSuffix(".swift")
            ? parts[0] == file && call.hasPrefix(parts[1]) : call.hasPrefix(allowed)
        }
        #expect(known != nil, "\(place): \(call); use Int(exactly:) or Int(saturating:)")
        if let known { isUsed.insert(known) }
      }
    }
    // What is no longer there does not stay allowed.
    for allowed in Self.integers { #expect(isUsed.contains(allowed), "\(allowed) does not occur") }
  }

  /// Narrow integers hold bytes, bits and what the C libraries take, none of them from a Double.
  @Test func noDoubleBecomesANarrowIntegerUnchecked() throws {
    let pattern = try Regex(#"\bU?Int(8|16|32|64)?\([^()]*(rounded|Double|Float)\b"#)
    for (place, text) in try lines() {
      let isChecked =
        text.contains("exactly:") || text.contains("saturating:") || text.contains("bitPattern:")
      #expect(isChecked || !text.contains(pattern), "\(place): \(text)")
    }
  }
}
