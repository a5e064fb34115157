import LinearCore
import Networks

/// A trained network f beside an ideal classifier F of the same degree, both positively homogeneous:
/// what c f - F is measured on.
///
/// The two stand in one network of two outputs, f and F, whose hidden layer holds the neurons of both:
/// c f - F and its gradient are a single pass with the output weights (c, -1), and what is known about
/// networks (passes, reduction) holds for the pair.
package struct ClassifierDifference<Scalar: LinearScalar>: Sendable {
  /// x to (f(x), F(x)): the hidden neurons of f, then those of F.
  package let pair: PReLUNetwork<Scalar>
  /// Hidden neurons of f; the rest are those of F.
  package let networkWidth: Int

  /// The pair of a network and an ideal classifier.
  ///
  /// - Throws: ``NetworkError`` where degree or input dimension differ, or where one of the two is not
  ///   homogeneous of degree p in x with one output: a center, an output bias, input normalisation,
  ///   several outputs.
  package init(_ network: PReLUNetwork<Scalar>, ideal: PReLUNetwork<Scalar>) throws(NetworkError) {
    for (name, side) in [("network", network), ("ideal classifier", ideal)] {
      guard side.outputCount == 1 else {
        throw NetworkError("the \(name) has \(side.outputCount) outputs, a distance needs one")
      }
      let isShifted =
        side.center != nil || side.hasHiddenBias
        || side.outputBias.map { $0.contains { $0 != 0 } } == true
      guard !isShifted, !side.normalizeInput || side.exponent == 1 else {
        throw NetworkError(
          "the \(name) has a center, a bias or input normalisation; a distance on the unit sphere "
            + "needs a function of degree p in x")
      }
    }
    guard network.exponent == ideal.exponent else {
      throw NetworkError(
        "the network has p = \(network.exponent), the ideal classifier p = \(ideal.exponent)")
    }
    guard network.inputDimension == ideal.inputDimension else {
      throw NetworkError(
        "the network takes \(network.inputDimension) coordinates, the ideal classifier "
          + "\(ideal.inputDimension)")
    }
    networkWidth = network.hiddenWidth
    let width = networkWidth + ideal.hiddenWidth
    var output = Matrix<Scalar>(rows: 2, columns: width)
    for j in 0..<networkWidth { output[0, j] = network.outputWeights[0, j] }
    for j in networkWidth..<width { output[1, j] = ideal.outputWeights[0, j - networkWidth] }
    pair = try PReLUNetwork(
      exponent: network.exponent,
      hiddenWeights: Matrix(
        rows: width, columns: network.inputDimension,
        elements: network.hiddenWeights.elements + ideal.hiddenWeights.elements),
      outputWeights: output)
  }

  /// (f(x), F(x)) of every row, in double precision.
  package func values(_ points: Matrix<Scalar>) -> [ClassifierValues] {
    let logits = pair.logits(points)
    return (0..<points.rows).map {
      ClassifierValues(network: Double(logits[$0, 0]), ideal: Double(logits[$0, 1]))
    }
  }

  /// c = E[f F] / E[f^2] over samples, the least-squares scale of the paper; 0 where f vanishes on all.
  ///
  /// - Parameter samples: fresh samples of the data, (n, inputDimension).
  package func leastSquaresScale(samples: Matrix<Scalar>) -> Double {
    var (product, square) = (0.0, 0.0)
    for value in values(samples) {
      product += value.network * value.ideal
      square += value.network * value.network
    }
    return square > 0 ? product / square : 0
  }

  /// The sums of |v_j| ||w_j|| of either side: bounds of |f| and |F| on the unit ball.
  var totals: (network: Double, ideal: Double) {
    let norms = pair.hiddenWeights.rowNorms()
    func total(_ row: Int) -> Double {
      norms.indices.reduce(0) {
        $0 + Double(norms[$1]) * Double(pair.outputWeights[row, $1].magnitude)
      }
    }
    return (total(0), total(1))
  }
}

/// f and F at one point.
package struct ClassifierValues: Sendable, Equatable {
  /// f(x).
  package let network: Double
  /// F(x).
  package let ideal: Double

  /// |c f(x) - F(x)|.
  package func distance(scale: Double) -> Double { (scale * network - ideal).magnitude }
}

/// What was found about sup_{||x||=1} |c f(x) - F(x)| at one c.
package struct DistanceEstimate: Sendable, Equatable, Codable {
  /// c.
  package let scale: Double
  /// |c f(x) - F(x)| at ``witness``: a lower estimate of the supremum.
  package let value: Double
  /// The point x of the unit sphere where the value is taken; as many coordinates as an input.
  package let witness: [Double]

  package init(scale: Double, value: Double, witness: [Double]) {
    self.scale = scale
    self.value = value
    self.witness = witness
  }
}
