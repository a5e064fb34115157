import ArgumentParser
import Datasets
import Experiments
import Foundation
import LinearCore
import Runs

/// What inputs may be, and what a network makes of them first.
struct InputOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      The range of valid inputs, LO,HI such as 0,1 or 0,255, or a file (npy, npz, csv) of two rows, a number a \
      coordinate; data: the range that the data set has.
      """, valueName: "range"))
  var box: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Subtracted from inputs before the network sees them: a number, one a channel such as 0.49,0.48,0.45, or a \
      file. Radii stay in the units of the data.
      """, valueName: "numbers"))
  var inputMean: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "What inputs are divided by then, in the same forms. (default: 1)", valueName: "numbers"))
  var inputStd: String?

  /// Whether the network is said to expect standardised inputs.
  var standardizes: Bool { inputMean != nil || inputStd != nil }

  /// The samples with the box asked for, if any, in which all of them must lie.
  func boxed(_ data: Dataset, noBox: Bool) throws(ExperimentError) -> Dataset {
    guard let box else { return data }
    if noBox {
      throw .usage("--box: gives a range that --no-box leaves out, expected one of the two")
    }
    var result = data
    if box == "data" {
      guard data.validInputs != nil else {
        throw .usage(
          "--box data: \(data.name) has no range of valid values, expected LO,HI or a file")
      }
      return data
    }
    result.inputBox = try range(box, for: data)
    do { return try result.validated() } catch {
      throw .usage("--box \(box): \(error)")
    }
  }

  private func range(_ text: String, for data: Dataset) throws(ExperimentError) -> InputBox<Float> {
    let expected = "two numbers LO,HI, the smaller first, or a file of two rows"
    let rows: [[Double]]
    if let numbers = Self.numbers(text) {
      guard numbers.count == 2, numbers[0] <= numbers[1] else {
        throw CommandError.flag("box", "'\(text)'", expected: expected)
      }
      rows = numbers.map { [$0] }
    } else {
      rows = try Self.file(text, flag: "box", keys: ["low", "high"], expected: expected)
    }
    return try data.box(lower: rows[0], upper: rows[1]) { problem in
      ExperimentError.usage("--box \(text): \(problem)")
    }
  }

  /// The model as one of raw inputs.
  func standardized(_ model: StoredModel, for data: Dataset) throws(ExperimentError) -> StoredModel
  {
    guard standardizes else { return model }
    let (mean, deviation) = try statistics(for: data)
    return try model.standardizingInputs(mean: mean, deviation: deviation)
  }

  /// The model as a network of one hidden layer of raw inputs.
  func folded(_ model: StoredModel, for data: Dataset) throws(ExperimentError) -> StoredModel {
    guard standardizes else { return model }
    let (mean, deviation) = try statistics(for: data)
    guard let folded = model.foldingStandardization(mean: mean, deviation: deviation) else {
      throw .usage(
        "--\(inputMean == nil ? "input-std" : "input-mean"): certify needs a network without input "
          + "normalisation, into whose weights it can be folded")
    }
    return folded
  }

  /// One mean and one deviation a coordinate.
  private func statistics(for data: Dataset) throws(ExperimentError) -> (
    mean: [Double], deviation: [Double]
  ) {
    let mean = try values(inputMean ?? "0", flag: "input-mean", key: "mean", for: data)
    let deviation = try values(inputStd ?? "1", flag: "input-std", key: "std", for: data)
    let range = 1e-30...1e30
    if let wrong = deviation.first(where: { !range.contains($0) }) {
      throw CommandError.flag("input-std", "\(wrong)", expected: "numbers from 1e-30 to 1e30")
    }
    if let wrong = mean.first(where: { !($0.magnitude <= 1e30) }) {
      throw CommandError.flag("input-mean", "\(wrong)", expected: "numbers up to 1e30")
    }
    return (mean, deviation)
  }

  private func values(
    _ text: String, flag: String, key: String, for data: Dataset
  ) throws(ExperimentError) -> [Double] {
    let expected = "a number, one a channel as 0.49,0.48,0.45, or a file of numbers"
    let numbers: [Double]
    if let given = Self.numbers(text) {
      numbers = given
    } else {
      numbers = try Self.file(text, flag: flag, keys: [key], expected: expected)[0]
    }
    do throws(SpreadProblem) { return try data.spread(numbers) } catch {
      throw .usage("--\(flag) \(text): \(error.description)")
    }
  }

  /// Numbers separated by commas; nil for another text.
  private static func numbers(_ text: String) -> [Double]? {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { part in
      NumberText.value(part.filter { !$0.isWhitespace }).flatMap { $0.isNaN ? nil : $0 }
    }
    return values.count == parts.count ? values : nil
  }

  private static func file(
    _ path: String, flag: String, keys: [String], expected: String
  ) throws(ExperimentError) -> [[Double]] {
    guard FileManager.default.fileExists(atPath: path) else {
      throw CommandError.flag(flag, "'\(path)', which is no file", expected: expected)
    }
    do { return try ValueFile.read(path: path, keys: keys) } catch {
      throw .usage("--\(flag) \(error)")
    }
  }
}
