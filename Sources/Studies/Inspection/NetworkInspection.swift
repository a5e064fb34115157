import Alignment
import Datasets
import Foundation
import LinearCore
import Networks
import Runs

/// What a trained network looks like inside: the result of `polyrelu inspect`.
public struct NetworkInspection: Codable, Sendable, Equatable {
  /// The degree.
  public let p: Double
  /// Input coordinates.
  public let inputDimension: Int
  /// Hidden neurons.
  public let hiddenWidth: Int
  /// Outputs.
  public let outputCount: Int
  /// Neurons that hold 99% of all contributions ||v_j|| ||w_j||: the dominant ones.
  public let effectiveNeurons: Int
  /// Singular values of the rows ||v_j|| w_j above 1% of the largest.
  public let numericalRank: Int
  /// Sum of all contributions.
  public let totalContribution: Double
  /// Median over dominant neurons of the largest cosine to a subclass centre, where data with
  /// subclasses are given.
  public let medianBestCosine: Double?
  /// Median over dominant neurons of the largest cosine to a class mean, where data are given.
  public let medianBestClassCosine: Double?
  /// Accuracy on the data, where they are given.
  public let accuracy: Double?

  /// Inspects a network, with data where there are any.
  ///
  /// - Parameter contributionScale: what the network's contributions are multiplied by, where it is a network
  ///   of another scale that stands for it; see ``FittedModel``.
  public init(
    _ network: PReLUNetwork<Float>, data: Dataset? = nil, contributionScale: Double = 1
  ) throws(ExperimentError) {
    let contributions = NeuronContributions(network)
    p = network.exponent
    inputDimension = network.inputDimension
    hiddenWidth = network.hiddenWidth
    outputCount = network.outputCount
    effectiveNeurons = contributions.effectiveNeurons()
    totalContribution = contributions.total * contributionScale
    do {
      numericalRank = try NumericalRank.ofContributions(network)
    } catch { throw ExperimentError(error) }
    guard let data else {
      medianBestCosine = nil
      medianBestClassCosine = nil
      accuracy = nil
      return
    }
    let alignment = NeuronAlignment(
      network: network, directions: data.referenceDirections(center: network.center))
    medianBestCosine = alignment.medianBestGroupCosine
    medianBestClassCosine = alignment.medianBestClassCosine
    let predicted = network.referenceClasses(data.inputs)
    accuracy =
      Double(zip(predicted, data.labels).count { $0 == $1 }) / Double(max(1, data.count))
  }
}

extension Dataset {
  /// Class means and subclass centres (the true ones where they are known, otherwise means) as
  /// directions from a network's center, under the values of classes and subclasses. Those without
  /// samples have no mean, and are left out.
  public func referenceDirections(center: [Float]?) -> ReferenceDirections {
    let (means, groups) = (presentClassMeans, presentGroupCenters)
    return ReferenceDirections(
      classMeans: means.rows, classLabels: means.numbers,
      classNames: means.numbers.map { classes[$0].description }, groupMeans: groups?.rows,
      groupLabels: groups?.numbers.map { groupLabels![$0] },
      groupNames: groups?.numbers.map { groupValues?[$0].description ?? "\($0)" }, center: center)
  }

  /// The means of the classes that have samples, and the numbers of these classes.
  var presentClassMeans: (rows: Matrix<Float>, numbers: [Int]) {
    let present = Set(labels).sorted()
    return (classMeans().rows(at: present), present)
  }

  /// The centres of subclasses, the true ones where they are known, otherwise the means of those that have
  /// samples, and the numbers of these subclasses; nil where subclasses are unknown.
  var presentGroupCenters: (rows: Matrix<Float>, numbers: [Int])? {
    guard let groups, let groupLabels else { return nil }
    if let groupCenters { return (groupCenters, Array(groupLabels.indices)) }
    let present = Set(groups).sorted()
    return groupMeans().map { ($0.rows(at: present), present) }
  }
}
