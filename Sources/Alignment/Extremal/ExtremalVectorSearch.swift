import LinearCore

/// Finds extremal vectors directly, without following any neuron.
///
/// - *Attracting* ones of both signs by ascent: u moves along sign(v) P grad G, by a step that shrinks where
///   it would not rise, from every start at once.
/// - *Others* by Newton's method for P grad G = 0 with the Riemannian Hessian, in the span of the named
///   directions and the data's leading principal directions, where it costs little.
/// - What either finds is polished by Newton's method in all dimensions, and counts where it is a fixed
///   point up to ``tolerance``.
///
/// For p = 1 the Hessian is -G P, and Newton's step goes to the fixed point of the present activation cone,
/// which is one if it lies in that cone. With noise few cones have one: the flow leads onto their borders,
/// slides along them and rests where it is held from all sides. These attracting vectors are found from the
/// ends of the ascent by a least-squares problem; those that do not attract are not looked for.
///
/// Not all extremal vectors are found: with K subclasses there are more than 2^K.
public struct ExtremalVectorSearch: Sendable, Codable, Equatable {
  /// Random starts in all dimensions, and as many in the span.
  public var randomStarts = 50
  /// Principal directions of the data that join the span.
  public var principalDirections = 8
  /// The most steps of the ascent from one start.
  public var ascentSteps = 300
  /// The largest ``ExtremalVector/residual`` that counts as a fixed point.
  public var tolerance = 1e-10

  /// A search with the default effort; change it by the properties.
  public init() {}

  /// Extremal vectors, by falling |G|.
  ///
  /// - Parameters:
  ///   - directions: starts, such as class and subclass means, (any, D); they and all their bisectors are
  ///     tried with both signs.
  ///   - stream: for random starts.
  /// - Throws: ``FactorizationError`` where LAPACK fails.
  package func run(_ flow: DirectionFlow, directions: Matrix<Double>, stream: RandomStream)
    throws(FactorizationError) -> [ExtremalVector]
  {
    let dimension = flow.inputs.columns
    let named = Self.withBisectors(directions.rowsNormalized())
    let drawn = Matrix<Double>.gaussian(
      rows: randomStarts, columns: dimension, stream: stream.child("ascent-starts"))
    let starts = Matrix(
      rows: named.rows + drawn.rows, columns: dimension, elements: named.elements + drawn.elements
    ).rowsNormalized()
    var candidates: [[Double]] = []
    var sliding: [ExtremalVector] = []
    for sign in [1.0, -1.0] {
      let ends = ascend(flow, from: starts, sign: sign)
      let rows = (0..<ends.rows).map { ends.row($0) }
      candidates += rows
      if flow.exponent == 1 { sliding += slidingVectors(flow, from: rows, sign: sign) }
    }

    let basis = try span(of: flow, directions: directions, stream: stream)
    let reduced = flow.restricted(to: basis)
    let inside = Matrix<Double>.gaussian(
      rows: randomStarts, columns: basis.rows, stream: stream.child("newton-starts"))
    let projected = Matrix.product(named, basis, transposeB: true)
    var found: [[Double]] = []
    for start in [projected, inside].flatMap({ rows in (0..<rows.rows).map { rows.row($0) } }) {
      let end = try NewtonIteration(reduced, tolerance: tolerance).run(from: start)
      if end.residual <= 1e-6 { found.append(end.direction) }
    }
    found = Self.distinct(found, tolerance: 1e-6)
    if !found.isEmpty {
      let lifted = Matrix.product(Matrix(found), basis)
      candidates += (0..<lifted.rows).map { lifted.row($0) }
    }

    var polished: [[Double]] = []
    for candidate in Self.distinct(candidates, tolerance: 1e-5) {
      let end = try NewtonIteration(flow, tolerance: tolerance).run(from: candidate)
      if end.residual <= tolerance { polished.append(end.direction) }
    }
    var result = sliding
    for direction in Self.distinct(polished, tolerance: 1e-6) {
      let vector = try ExtremalVector(flow, at: direction)
      // Where no sample is active, nothing moves at all.
      if vector.value != 0 && vector.residual <= tolerance { result.append(vector) }
    }
    return result.sorted { $0.value.magnitude > $1.value.magnitude }
  }

  /// Where neurons of a sign come to rest on borders, from the ends of the ascent.
  private func slidingVectors(_ flow: DirectionFlow, from ends: [[Double]], sign: Double)
    -> [ExtremalVector]
  {
    var found: [SlidingVector] = []
    // The samples active at the start decide where it ends.
    var tried: Set<[Int]> = []
    for end in ends {
      guard
        tried.insert(SlidingVector.active(flow, at: end, sign: sign)).inserted,
        let vector = SlidingVector(flow, from: end, sign: sign, tolerance: 0.1 * tolerance),
        vector.isHeld, vector.borderSamples > 0, vector.violation <= tolerance
      else { continue }
      let isNew = found.allSatisfy {
        Self.distinct([$0.direction, vector.direction], tolerance: 1e-6).count == 2
      }
      if isNew { found.append(vector) }
    }
    return found.map { ExtremalVector($0, sign: sign) }
  }

  /// Ascent of sign G from unit rows, all at once; where they are near to rest.
  func ascend(_ flow: DirectionFlow, from starts: Matrix<Double>, sign: Double) -> Matrix<Double> {
    var points = starts
    var (values, gradients) = flow.potential(at: points)
    // In units of 1 / (p |G|), the step of the fixed-point iteration u <- grad G / ||grad G||.
    var steps = [Double](repeating: 0.5, count: points.rows)
    var moving = Array(0..<points.rows)
    for _ in 0..<ascentSteps {
      let slopes = gradients.rowNorms()
      // A neuron that no sample of its sign reaches is dying, ever more slowly.
      let highest = values.reduce(0) { max($0, $1.magnitude) }
      moving = moving.filter {
        slopes[$0] > 1e-5 * flow.exponent * values[$0].magnitude && steps[$0] > 1e-9
          && values[$0].magnitude > 1e-6 * highest
      }
      if moving.isEmpty { break }
      var trials = points.rows(at: moving)
      for (row, i) in moving.enumerated() {
        let length = steps[i] / max(flow.exponent * values[i].magnitude, slopes[i])
        let u = zip(points.row(i), gradients.row(i)).map { $0 + sign * length * $1 }
        trials.setRow(row, unit(u))
      }
      let (reached, slope) = flow.potential(at: trials)
      for (row, i) in moving.enumerated() {
        if sign * reached[row] >= sign * values[i] {
          points.copyRow(i, from: trials, row: row)
          gradients.copyRow(i, from: slope, row: row)
          values[i] = reached[row]
          steps[i] = min(1.5 * steps[i], 2)
        } else {
          steps[i] /= 3
        }
      }
    }
    return points
  }

  /// Orthonormal rows that span the named and the leading principal directions: (r, D).
  private func span(of flow: DirectionFlow, directions: Matrix<Double>, stream: RandomStream)
    throws(FactorizationError) -> Matrix<Double>
  {
    let dimension = flow.inputs.columns
    let count = min(principalDirections, dimension, flow.inputs.rows)
    var principal = Matrix<Double>.gaussian(
      rows: count, columns: dimension, stream: stream.child("principal"))
    // Power iteration on X^T X; a few steps are plenty for a span to search in.
    for _ in 0..<5 {
      let images = Matrix.product(principal, flow.inputs, transposeB: true)
      principal = try Matrix.product(images, flow.inputs).orthonormalizedRows().basis
    }
    let rows = Matrix(
      rows: directions.rows + count, columns: dimension,
      elements: directions.rowsNormalized().elements + principal.elements)
    let factors = try rows.singularValueDecomposition()
    let rank = max(2, factors.singularValues.count { $0 > 1e-8 * factors.singularValues[0] })
    return factors.vTransposed.rows(in: 0..<rank)
  }

  /// Both signs of unit rows and of the bisectors of all pairs.
  private static func withBisectors(_ rows: Matrix<Double>) -> Matrix<Double> {
    var result = (0..<rows.rows).map { rows.row($0) }
    for i in 0..<rows.rows {
      for j in 0..<i { result.append(zip(rows.row(i), rows.row(j)).map { $0 + $1 }) }
    }
    result = result.filter { RowKernels.norm($0.count, $0) > 1e-6 }
    return Matrix(result + result.map { $0.map { -$0 } }).rowsNormalized()
  }

  /// The vectors that are further than `tolerance` from all earlier ones.
  private static func distinct(_ vectors: [[Double]], tolerance: Double) -> [[Double]] {
    var kept: [[Double]] = []
    for vector in vectors {
      let isNew = kept.allSatisfy { other in
        zip(vector, other).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          > tolerance * tolerance
      }
      if isNew { kept.append(vector) }
    }
    return kept
  }
}
