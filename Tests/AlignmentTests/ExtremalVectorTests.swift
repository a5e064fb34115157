import Alignment
import LinearCore
import Testing

@Suite struct ExtremalVectorTests {
  static let (positive, negative) = (4, 3)
  static let subclasses = positive + negative

  /// Every centre once, the first four of class 1, in ten dimensions: G(u) = sum_k y_k relu(u_k)^p / K.
  static func centers(_ p: Double) -> (flow: DirectionFlow, directions: Matrix<Double>) {
    var inputs = Matrix<Double>(rows: subclasses, columns: 10)
    for k in 0..<subclasses { inputs[k, k] = 1 }
    let weights = (0..<subclasses).map { ($0 < positive ? 1.0 : -1.0) / Double(subclasses) }
    var means = Matrix<Double>(rows: 2, columns: 10)
    for k in 0..<subclasses { means[k < positive ? 0 : 1, k] = 1 }
    return (
      DirectionFlow(inputs: inputs, weights: weights, exponent: p),
      Matrix(rows: 9, columns: 10, elements: means.elements + inputs.elements)
    )
  }

  /// Clusters with noise.
  static func noisy(_ p: Double, alpha: Double = 0.2) -> (
    flow: DirectionFlow, directions: Matrix<Double>
  ) {
    let dimension = 30
    let (flow, directions) = centers(p)
    var inputs = Matrix<Double>.gaussian(
      rows: 210, columns: dimension, standardDeviation: alpha / Double(dimension).squareRoot(),
      stream: RandomStream(seed: 5).child("noise"))
    for i in 0..<inputs.rows { inputs[i, i % subclasses] += 1 }
    let weights = (0..<inputs.rows).map { flow.weights[$0 % subclasses] * 7 / 210 }
    var rows = Matrix<Double>(rows: directions.rows, columns: dimension)
    for i in 0..<rows.rows { for j in 0..<10 { rows[i, j] = directions[i, j] } }
    return (DirectionFlow(inputs: inputs, weights: weights, exponent: p), rows)
  }

  static func search(_ problem: (flow: DirectionFlow, directions: Matrix<Double>)) throws
    -> [ExtremalVector]
  {
    try ExtremalVectorSearch().run(
      problem.flow, directions: problem.directions, stream: RandomStream(seed: 2))
  }

  /// The coordinates of u on the centres, rounded, and what else there is.
  static func support(_ vector: ExtremalVector) -> Set<Int> {
    Set(vector.direction.indices.filter { vector.direction[$0].magnitude > 1e-6 })
  }

  @Test func classMeansAttractReLUNeurons() throws {
    let found = try Self.search(Self.centers(1))
    let attracting = found.filter(\.isAttracting)
    #expect(attracting.count == 2)
    for vector in attracting {
      let isPositive = vector.stability == .attractsPositive
      let own = isPositive ? Array(0..<Self.positive) : Array(Self.positive..<Self.subclasses)
      #expect(Self.support(vector) == Set(own))
      let size = Double(own.count).squareRoot()
      for k in own { #expect(abs(vector.direction[k] - 1 / size) < 1e-12) }
      // G = sqrt(K+-) / K, and H = -G P inside the cone.
      let value = (isPositive ? 1 : -1) * size / Double(Self.subclasses)
      #expect(abs(vector.value - value) < 1e-12)
      #expect(abs(vector.largestEigenvalue + value) < 1e-12)
      #expect(vector.borderSamples == Self.subclasses - own.count)
    }
    // Parts of a class are fixed points, too, which the rest of the class pulls away from.
    #expect(found.contains { Self.support($0) == [0] && $0.stability == .unstable })
  }

  /// A fixed point with G > 0 is sum_S mu_k / sqrt(m) for a set S of m centres of class 1. On its tangent
  /// space H is p (p-2) m^((2-p)/2) / K within S, m - 1 times, and -p m^((2-p)/2) / K elsewhere.
  @Test(arguments: [2.5, 3, 4]) func subclassCentresAttractPolynomialNeurons(_ p: Double) throws {
    let found = try Self.search(Self.centers(p))
    let attracting = found.filter(\.isAttracting)
    #expect(Set(attracting.map(Self.support)) == Set((0..<Self.subclasses).map { [$0] }))
    #expect(attracting.count == Self.subclasses)
    for vector in found {
      let support = Self.support(vector)
      let m = Double(support.count)
      let isPositive = support.allSatisfy { $0 < Self.positive }
      #expect(isPositive || support.allSatisfy { $0 >= Self.positive })
      let sign: Double = isPositive ? 1 : -1
      for k in support { #expect(abs(vector.direction[k] - 1 / m.squareRoot()) < 1e-8) }
      let size = Double.power(m, (2 - p) / 2) / Double(Self.subclasses)
      #expect(abs(vector.value - sign * size) < 1e-10)
      let (outside, inside) = (-p * size, m > 1 ? p * (p - 2) * size : -p * size)
      let worst = sign > 0 ? vector.largestEigenvalue : -vector.smallestEigenvalue
      #expect(abs(worst - inside) < 1e-8)
      // relu^(p-2) of what should be 0 and is not, up to rounding.
      let tolerance = max(1e-8, Double.power(1e-14, min(1, p - 2)))
      let best = sign > 0 ? vector.smallestEigenvalue : -vector.largestEigenvalue
      #expect(abs(best - outside) < tolerance)
      #expect(vector.isAttracting == (m == 1))
    }
    // Both class means are among them.
    let sets = Set(found.map(Self.support))
    #expect(sets.contains(Set(0..<Self.positive)))
    #expect(sets.contains(Set(Self.positive..<Self.subclasses)))
  }

  /// For p = 2 every direction between the centres of a class is a fixed point.
  @Test func betweenIsNothingDecided() throws {
    let (flow, directions) = Self.centers(2)
    for row in 0..<directions.rows {
      let vector = try ExtremalVector(flow, at: directions.row(row))
      #expect(vector.residual < 1e-14 && vector.stability == .degenerate)
    }
    #expect(try Self.search((flow, directions)).allSatisfy { !$0.isAttracting })
  }

  @Test(arguments: [3, 4]) func noisyClustersHaveExactFixedPoints(_ p: Double) throws {
    let problem = Self.noisy(p)
    let found = try Self.search(problem)
    let directions = problem.directions.rowsNormalized()
    for vector in found {
      // Straight from the formula.
      let u = vector.direction
      var gradient = [Double](repeating: 0, count: u.count)
      for i in 0..<problem.flow.inputs.rows {
        let x = problem.flow.inputs.row(i)
        let z = max(0, zip(u, x).reduce(0) { $0 + $1.0 * $1.1 })
        for j in u.indices {
          gradient[j] += problem.flow.weights[i] * p * Double.power(z, p - 1) * x[j]
        }
      }
      let radial = zip(u, gradient).reduce(0) { $0 + $1.0 * $1.1 }
      let rest = zip(u, gradient).reduce(0) { sum, pair in
        let tangent = pair.1 - radial * pair.0
        return sum + tangent * tangent
      }
      #expect(rest.squareRoot() <= 1e-10 * radial.magnitude + 1e-15)
    }
    // One attracting vector near each centre.
    for k in 0..<Self.subclasses {
      let near = found.filter { vector in
        vector.isAttracting
          && zip(vector.direction, directions.row(2 + k)).reduce(0) { $0 + $1.0 * $1.1 } > 0.9
      }
      #expect(near.count == 1)
      #expect(near.first?.stability == (k < Self.positive ? .attractsPositive : .attractsNegative))
    }
    #expect(found.count { $0.isAttracting } == Self.subclasses)
    #expect(found.contains { !$0.isAttracting })
  }

  /// The flow itself, by small Euler steps, ends at attracting vectors of its sign.
  @Test(arguments: [1.0, -1.0]) func theFlowEndsAtAttractingVectors(_ sign: Double) throws {
    let problem = Self.noisy(3)
    let found = try Self.search(problem).filter {
      $0.stability == (sign > 0 ? .attractsPositive : .attractsNegative)
    }
    // On the side of every centre: where no sample of the own sign is active, a neuron dies instead.
    var points = Matrix<Double>.gaussian(rows: 20, columns: 30, stream: RandomStream(seed: 21))
    for i in 0..<points.rows {
      for k in 0..<Self.subclasses { points[i, k] = points[i, k].magnitude }
    }
    points = points.rowsNormalized()
    for _ in 0..<4000 {
      let (_, gradients) = problem.flow.potential(at: points)
      for i in points.elements.indices {
        points.elements[i] += 0.2 * sign * gradients.elements[i]
      }
      points = points.rowsNormalized()
    }
    let cosines = Matrix.product(
      points, Matrix(found.map(\.direction)), transposeB: true)
    for i in 0..<points.rows { #expect(cosines.row(i).max()! > 1 - 1e-6) }
  }

  /// With noise ReLU neurons come to rest on borders of activation cones: one vector a sign, near the class
  /// mean, a strict local maximum of sign G, and where small Euler steps of the flow end.
  @Test func noisyReLUNeuronsSlideOnBorders() throws {
    let problem = Self.noisy(1)
    let found = try Self.search(problem).filter(\.isAttracting)
    #expect(Set(found.map(\.stability)) == [.attractsPositive, .attractsNegative])
    #expect(found.count == 2)
    let means = problem.directions.rowsNormalized()
    for vector in found {
      let sign: Double = vector.stability == .attractsPositive ? 1 : -1
      let mean = means.row(sign > 0 ? 0 : 1)
      #expect(zip(vector.direction, mean).reduce(0) { $0 + $1.0 * $1.1 } > 0.99)
      #expect(vector.residual <= 1e-10 && vector.borderSamples > 0)
      #expect(
        abs(problem.flow.potential(at: Matrix([vector.direction])).values[0] - vector.value) < 1e-12
      )
      // Around it sign G falls at least like the potential of the sphere, |G| t^2 / 2 at the angle t.
      var near = Matrix<Double>.gaussian(
        rows: 200, columns: 30, standardDeviation: 1e-3, stream: RandomStream(seed: 31))
      for i in 0..<near.rows { for j in 0..<30 { near[i, j] += vector.direction[j] } }
      near = near.rowsNormalized()
      for (i, value) in problem.flow.potential(at: near).values.enumerated() {
        let square = zip(near.row(i), vector.direction).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
        #expect(sign * value <= vector.value.magnitude * (1 - square / 2) + 1e-14)
      }
      var point = Matrix([zip(mean, near.row(0)).map { $0 + 0.3 * $1 }]).rowsNormalized()
      for step in 0..<5000 {
        let gradient = problem.flow.potential(at: point).gradients
        for j in 0..<30 { point[0, j] += sign * 10 / Double(step + 100) * gradient[0, j] }
        point = point.rowsNormalized()
      }
      // Steps of length h chatter around a border at the distance h.
      let gap = zip(point.row(0), vector.direction).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      #expect(gap.squareRoot() < 1e-3)
    }
  }
}
