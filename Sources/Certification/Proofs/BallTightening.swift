import LinearCore

/// Shrinks boxes to what a ball leaves of them.
///
/// If ‖d‖ <= R and <u_k, d> >= g > 0, then for every other unit vector u_j with c = <u_j, u_k>
///
///     <u_j, d> <= R                                        where R c >= g,
///     <u_j, d> <= c g + sqrt(1 - c^2) sqrt(R^2 - g^2)      otherwise:
///
/// in the plane of the two vectors, the point of the disc beyond the line <u_k, d> = g that is farthest in
/// the direction u_j is R u_j itself where that lies beyond the line, and otherwise the end of the chord.
/// Where one neuron has to be driven far, little is left for the others.
struct BallTightening: Sendable {
  /// R.
  let radius: Double
  private let start: [Double]
  /// <u_j, u_k> of the neurons against the label.
  private let cosines: Matrix<Double>
  private let cuts: CutDirections?
  private let dimension: Int
  /// At least every |z| at the start.
  private let length: Double

  /// - Parameter cuts: directions that boxes have intervals of, behind those of the neurons.
  init(_ problem: DecisionProblem, radius: Double, cuts: CutDirections? = nil) {
    self.radius = radius
    self.cuts = cuts
    dimension = problem.dimension
    length = problem.extent
    start = Array(problem.preActivations[problem.supporting...])
    let rows = problem.directions.rows(in: problem.supporting..<problem.count)
    cosines = Matrix.product(rows, rows, transposeB: true)
  }

  /// The intervals of all z_k for ‖d‖ <= R: a little wider than exact.
  var root: [ClosedRange<Double>] {
    let reach = widened(radius)
    return start.map { $0 - reach...$0 + reach } + (cuts?.root(within: reach) ?? [])
  }

  /// More than rounding of z, of cosines and of the formulas above can change.
  private func widened(_ value: Double) -> Double {
    value + (1e-12 + Double(dimension) * 0x1p-51) * (length + radius)
  }

  /// The part of a box that the ball reaches, or a little more; nil where it reaches nothing.
  func tightened(_ box: [ClosedRange<Double>]) -> [ClosedRange<Double>]? {
    var result = box
    // Widening the ball rather than the cut leaves room for rounding.
    let reach = widened(radius)
    // Rows are unit vectors up to 2e-14, and cosines are right up to the rounding of one inner product.
    let allowance = 1e-13 + Double(dimension) * 0x1p-51
    for k in start.indices {
      let needed = box[k].lowerBound - start[k]
      if needed <= 0 { continue }
      let rest = reach * reach - needed * needed
      if rest < 0 { return nil }
      for j in start.indices where j != k {
        let c = cosines[j, k]
        if reach * c >= needed { continue }
        let across = (max(0, 1 - c * c) + allowance) * rest
        let upper = start[j] + widened(c * needed + across.squareRoot())
        if upper < result[j].lowerBound { return nil }
        if upper < result[j].upperBound { result[j] = result[j].lowerBound...upper }
      }
    }
    return cuts.map { $0.tightened(result, reach: reach, widened: widened) } ?? result
  }
}
