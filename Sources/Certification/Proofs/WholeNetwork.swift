import LinearCore
import Networks

/// A network with all its neurons and coordinates, and what rounding may have changed of each neuron.
///
/// An ``EffectiveNetwork`` has one bound of all errors, at ||x||^p. Where p is large and radii are small that is
/// more than the outputs near the boundary. Here every direction is right up to a share of its length, and every
/// contribution up to a share of itself.
struct WholeNetwork: Sendable {
  /// The network with unit directions.
  let effective: EffectiveNetwork
  /// The relative error of directions and contributions.
  private let rounding: Double
  /// At most the sum of the contributions of rows that are too small to have a direction.
  private let leftOut: Double

  /// - Throws: ``NetworkError`` where all hidden weights are 0.
  init<Scalar: LinearScalar>(_ network: PReLUNetwork<Scalar>) throws(NetworkError) {
    effective = try EffectiveNetwork(network, isReduced: false)
    let bound = ReductionBound(network.converted(to: Double.self))
    rounding = EffectiveNetwork.rounding(dimension: effective.inputDimension + effective.neurons)
    // Products below the normal numbers have lost digits.
    leftOut =
      bound.leftOut == 0 && effective.contributions.elements.allSatisfy({ $0 == 0 || $0.isNormal })
      ? 0 : bound.leftOut + Double(effective.neurons) * .leastNormalMagnitude
  }

  /// The same as ``EffectiveNetwork/problem(label:opponent:input:unit:)``, with an error for every neuron.
  func problem(label: Int, opponent: Int, input: [Double], unit: Double?) -> DecisionProblem {
    let plain = effective.problem(label: label, opponent: opponent, input: input, unit: unit)
    let one = effective.outputCount == 1
    let differences = (0..<effective.neurons).map { j in
      effective.difference(of: label, from: opponent) { effective.contributions[j, $0] }
    }
    let affine =
      effective.hasHiddenBias ? AffineNeurons(effective, contributions: differences) : nil
    // Without hidden biases relative errors of u and a are all there is; with them also those of their quotients.
    let share = rounding + (affine?.relativeError ?? 0)
    var (supporting, against): ([Double], [Double]) = ([], [])
    var (total, rest) = (0.0, (one ? leftOut : 2 * leftOut) + (affine?.constantError ?? 0))
    for (j, difference) in differences.enumerated() {
      let size =
        one
        ? difference.magnitude
        : effective.contributions[j, label].magnitude
          + effective.contributions[j, opponent].magnitude
      // Neurons that cancel are no part of the problem, and constant ones are part of its bias.
      guard difference != 0, let factor = affine.map({ $0.factors[j] }) ?? 1 else {
        rest += rounding * size
        continue
      }
      total += factor * difference.magnitude
      if difference > 0 {
        supporting.append(share * factor * size)
      } else {
        against.append(share * factor * size)
      }
    }
    let unit = total > 0 ? 1 / (total * (1 - 1e-12)) : 1
    return plain.withErrors(
      directions: affine == nil ? rounding : 3 * rounding,
      weights: (supporting + against).map { $0 * unit }, rest: rest * unit
    ).keepingTies(label < opponent)
  }
}
