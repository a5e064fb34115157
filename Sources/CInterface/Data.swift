import CPolyReLU
import Datasets
import Formats
import LinearCore
import Runs

/// Labelled samples behind a handle, in their own unit of length.
final class DataHandle: Sendable {
  let dataset: Dataset

  init(_ dataset: Dataset) { self.dataset = dataset }
}

private struct DataOptions: Options {
  static let names: Set = ["name", "names", "layout", "class_count"]
  let name: String?
  let classCount: Int?
  let names: [String]?
  let layout: String?
}

/// `polyrelu_data_create`, as `polyrelu.h` describes it.
@c(polyrelu_data_create)
public func dataCreate(
  _ x: UnsafePointer<polyrelu_array>?, _ y: UnsafePointer<polyrelu_array>?,
  _ groups: UnsafePointer<polyrelu_array>?, _ low: UnsafePointer<polyrelu_array>?,
  _ high: UnsafePointer<polyrelu_array>?, _ options: UnsafePointer<CChar>?,
  _ data: UnsafeMutablePointer<OpaquePointer?>?, _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let options = try DataOptions.read(options)
    let layout: InputLayout? =
      options.layout == nil ? nil : try choice(options.layout, "layout", default: .nchw)
    let classCount = try positive(options.classCount, "class-count")
    let samples = try BorrowedArray.tensor(x, "X")
    let labels = try ClassNames.labels(y, "y", names: options.names)
    let groups = try BorrowedArray.optional(groups, "groups").map { LabelArray.numbers($0) }
    let (low, high) = (
      try BorrowedArray.optional(low, "low"), try BorrowedArray.optional(high, "high")
    )
    do throws(DatasetError) {
      var dataset = try Dataset(
        name: options.name ?? "data", samples: samples, labels: labels, groups: groups, low: low,
        high: high, layout: layout
      ).validated()
      if let classCount {
        dataset = try dataset.numbered(
          by: ClassLabel.numbers(classCount), of: "\(SettingName("class-count"))")
      }
      data?.pointee = Handle.make(DataHandle(dataset))
    } catch { throw ExperimentError(error) }
  }
}

/// Labels that are handed in as numbers, with names for them or without.
enum ClassNames {
  /// - Parameter names: label k stands for the k-th of them.
  static func labels(_ array: ArrayInput?, _ name: String, names: [String]?) throws(ExperimentError)
    -> LabelArray?
  {
    guard let tensor = try BorrowedArray.optional(array, name) else { return nil }
    guard let names else { return .numbers(tensor) }
    guard case .int64(let numbers) = tensor.elements,
      numbers.allSatisfy({ names.indices.contains(Int(clamping: $0)) })
    else {
      throw .usage("\(name): expected int64 positions in the \(names.count) names")
    }
    return .names(shape: tensor.shape, numbers.map { names[Int(clamping: $0)] })
  }
}

private struct LoadOptions: Options {
  static let names: Set = [
    "data", "split", "labels", "seed", "dimension", "subclasses", "positive", "alpha", "samples",
    "rotation",
  ]
  let data: String
  let split: String?
  let labels: String?
  let seed: UInt64?
  let dimension: Int?
  let subclasses: Int?
  let positive: Int?
  let alpha: Double?
  let samples: Int?
  let rotation: String?

  func request() throws(ExperimentError) -> DatasetRequest {
    let mixture: [(String, Bool)] = [
      ("dimension", dimension != nil), ("subclasses", subclasses != nil),
      ("positive", positive != nil), ("alpha", alpha != nil), ("samples", samples != nil),
      ("rotation", rotation != nil), ("seed", seed != nil),
    ]
    if data != "mixture", let name = mixture.first(where: \.1)?.0 {
      throw .usage("\(SettingName(name)): only the data 'mixture' have this option")
    }
    var request = DatasetRequest(data: data, split: split, seed: seed ?? 0)
    do throws(DatasetError) {
      if let labels { request.labels = try LabelRule(parsing: labels) }
      request.mixture.dimension = dimension ?? request.mixture.dimension
      request.mixture.subclasses = subclasses ?? request.mixture.subclasses
      request.mixture.positive = positive ?? request.mixture.positive
      request.mixture.alpha = alpha ?? request.mixture.alpha
      request.mixture.samples = samples ?? request.mixture.samples
      if data == "mixture" { try request.mixture.validate() }
    } catch { throw ExperimentError(error) }
    request.mixture.rotation = try choice(
      rotation, "rotation", default: request.mixture.rotation)
    return request
  }
}

/// `polyrelu_data_load`, as `polyrelu.h` describes it.
@c(polyrelu_data_load)
public func dataLoad(
  _ options: UnsafePointer<CChar>?, _ data: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let request = try LoadOptions.read(options).request()
    do throws(DatasetError) {
      data?.pointee = Handle.make(DataHandle(try DatasetCatalog.load(request).validated()))
    } catch { throw ExperimentError(error) }
  }
}

private struct DataDocument: Encodable {
  let name: String
  let classes: [ClassLabel]
  let shape: [Int]
  let box: [Double]?
}

/// `polyrelu_data_contents`, as `polyrelu.h` describes it.
@c(polyrelu_data_contents)
public func dataContents(
  _ data: OpaquePointer?, _ contents: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<polyrelu_error>?
) -> Int32 {
  Status.of(error) { () throws(ExperimentError) in
    let stored = try Handle.object(data, DataHandle.self, "data").dataset
    let dataset: Dataset
    do { dataset = try stored.inUserUnits() } catch { throw ExperimentError(error) }
    let image = dataset.imageShape.map {
      $0.channels == 1 ? [$0.rows, $0.columns] : [$0.rows, $0.columns, $0.channels]
    }
    let result = ResultDocument(
      DataDocument(
        name: dataset.name, classes: dataset.classes,
        shape: dataset.sampleShape ?? image ?? [dataset.dimension],
        box: dataset.valueRange.map { [Double($0.lowerBound), Double($0.upperBound)] }))
    result.add("x", dataset.inputs)
    result.add("y", dataset.labels)
    if let groups = dataset.groups, let labels = dataset.groupLabels {
      result.add("group", groups)
      result.add("group_labels", labels)
    }
    if let centers = dataset.groupCenters { result.add("centers", centers) }
    contents?.pointee = Handle.make(result)
  }
}

/// `polyrelu_data_free`, as `polyrelu.h` describes it.
@c(polyrelu_data_free)
public func dataFree(_ data: OpaquePointer?) { Handle.free(data) }
