import BoundPropagation
import Certification
import Datasets
import LinearCore
import Runs
import Studies

/// Certified radii of an imported network of several layers, no box; the peer is auto_LiRPA or linear bound propagation of
/// our own, `peers/deep_certify.py`.
///
/// The samples are the first of MNIST's test set that the network classifies rightly. Nothing is known of upper bounds.
struct DeepCertifyJob: BenchmarkJob {
  static let name = "deep-certify"

  private let folder: DataFolder
  private let model: String
  private let norm: Norm
  private let samples: Int
  /// 1 for linear bounds of whole balls.
  private let nodes: Int
  /// For one sample.
  private let seconds: Double

  init(_ options: inout Options) throws(UsageError) {
    folder = DataFolder(&options)
    model = options.take("model") ?? "onnx/mnist-net_256x2.onnx"
    norm = try options.takeNorm(default: .linf)
    samples = try options.take("samples", default: 30, atLeast: 1)
    nodes = try options.take(
      "nodes", default: SearchBudget.asManyAsThereIsTimeFor, atLeast: 1)
    seconds = try options.take("seconds", default: 10, atLeast: 0.001)
  }

  func run() throws -> Measurement {
    // In units of 255, as networks of other people expect.
    var data = try folder.mnist(.test)
    data.inputs.elements = data.inputs.elements.map { $0 * 256 / 255 }
    let fitted = try folder.model(model).fitted(to: data)
    let certifier = DeepCertifier(
      try BoundedNetwork(classifier: fitted.classifier), norm: norm,
      budget: SearchBudget(nodes: nodes, seconds: seconds))
    var chosen: [(input: [Double], index: Int)] = []
    for (index, label) in data.labels.enumerated() where chosen.count < samples {
      let input = fitted.data.inputs.row(index).map { Double($0) }
      if !certifier.isMisclassified(input, label: label) { chosen.append((input, index)) }
    }
    var radii = [Double](repeating: 0, count: chosen.count)
    let timing = Timing.measure {
      radii.withUnsafeMutableBufferPointer { target in
        nonisolated(unsafe) let target = target
        Parallel.forEach(chosen.count) { number in
          let (input, index) = chosen[number]
          target[number] =
            certifier.certify(input, label: data.labels[index], index: index).radius.lower
        }
      }
    }
    return [
      "seconds": .number(timing.wall), "processorSeconds": .number(timing.processor),
      "model": .text(model), "norm": .text(norm.rawValue), "samples": .count(chosen.count),
      "medianRadius": .number(median(radii)), "radii": .numbers(radii),
      "processorSecondsPerSample": .number(timing.processor / Double(chosen.count)),
    ]
  }
}
