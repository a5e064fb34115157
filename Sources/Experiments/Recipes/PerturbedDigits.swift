import Datasets
import Figures
import Foundation
import LinearCore
import Runs

/// Pictures of digits before and after attacks.
enum PerturbedDigits {
  /// Rows: six digits that every network gets right; columns: the digit, then perturbed for each network.
  /// - Parameter directory: has the perturbations of the networks.
  static func grid(_ networks: [ClusterValues], of test: Dataset, in directory: RunDirectory)
    throws(ExperimentError) -> ImageGrid
  {
    var witnesses: [Matrix<Float>] = []
    for network in networks {
      let name = ClusterRun.name(exponent: network.p, seed: network.seed)
      witnesses.append(try ClusterNetwork.witnesses(name, in: directory))
    }
    let width = test.imageShape!.columns
    func image(_ values: [Double], _ caption: String) -> ImageGrid.Image {
      .init(values: values, width: width, range: 0...1, colours: .ink, caption: caption)
    }
    var rows: [ImageGrid.Row] = []
    for digit in [0, 1, 3, 4, 6, 8] {
      guard
        let sample = test.groups?.indices.first(where: { i in
          test.groups![i] == digit
            && networks.allSatisfy { $0.radii[i] > 0 && $0.radii[i].isFinite }
        })
      else { continue }
      let original = test.inputs.row(sample)
      let perturbed = zip(networks, witnesses).map { network, witness in
        image(
          zip(original, witness.row(sample)).map { min(max(Double($0 + $1), 0), 1) },
          "r = \(String(format: "%.2f", network.radii[sample]))")
      }
      rows.append(
        .init(
          heading: "", images: [image(original.map { Double($0) }, "digit \(digit)")] + perturbed))
    }
    return ImageGrid(
      title: "Smallest perturbations that flip even and odd",
      columnHeadings: ["original"] + networks.map { "p = \($0.p.degreeText)" }, rows: rows,
      cellSize: 76)
  }
}

extension Dataset {
  /// Half the median distance of samples to the nearest one of another class in `others`.
  func halfDistanceToOtherClass(in others: Dataset) -> Double {
    let nearest = (0..<count).map { i -> Double in
      let row = inputs.row(i)
      var best = Float.infinity
      for j in 0..<others.count where others.labels[j] != labels[i] {
        var sum: Float = 0
        for (a, b) in zip(row, others.inputs.row(j)) { sum += (a - b) * (a - b) }
        best = min(best, sum)
      }
      return Double(best.squareRoot())
    }
    return (median(nearest) ?? .nan) / 2
  }
}
