import LinearCore

/// Multipliers of half-spaces of the input in l2, exactly and one after the other.
///
/// A row with the coefficients g of the input has the bound -r ‖g - sum of b_k a_k‖ + sum of b_k t_k on the ball of
/// radius r, where a half-space is <a_k, d> >= t_k. As a function of one b_k this is explicit and concave.
struct EuclideanCuts {
  /// The places of the half-spaces among all.
  let places: [Int]
  private let rows: Matrix<Double>
  private let gram: Matrix<Double>
  private let thresholds: [Double]
  private let radius: Double

  /// Nil where there are none, or the region is no plain ball of l2.
  init?(
    _ halfSpaces: [HalfSpace], upTo target: Int, evaluator: RegionEvaluator, region: InputRegion
  ) {
    guard region.norm == .l2, region.lower == nil else { return nil }
    let network = evaluator.network
    var (places, rows, thresholds) = ([Int](), [[Double]](), [Double]())
    for (k, half) in halfSpaces.enumerated() where half.node <= target {
      guard case .affine(let affine) = network.nodes[half.node], affine.terms.count == 1,
        affine.terms[0].node == 0
      else { continue }
      places.append(k)
      rows.append(
        affine.terms[0].map.rows(at: [half.neuron]).elements.map { $0 * half.sign })
      thresholds.append(half.sign * half.threshold)
    }
    guard !places.isEmpty else { return nil }
    self.places = places
    self.rows = Matrix(rows)
    gram = Matrix.product(self.rows, self.rows, transposeB: true)
    self.thresholds = thresholds
    radius = region.radius
  }

  /// Improves the multipliers of every row, given the coefficients of the input that they already are part of.
  func improve(_ multipliers: inout Matrix<Double>, inputs: Matrix<Double>, sweeps: Int = 3) {
    let products = Matrix.product(inputs, rows, transposeB: true)
    for row in 0..<inputs.rows {
      var square = inputs.withPointer {
        Double.dot(inputs.columns, $0 + row * inputs.columns, $0 + row * inputs.columns)
      }
      var c = products.row(row)
      for _ in 0..<sweeps {
        for k in places.indices {
          let (size, t) = (gram[k, k], thresholds[k])
          let limit = radius * radius * size - t * t
          let old = multipliers[row, places[k]]
          var step = -old
          if limit > 0 {
            let rest = max(0, square - c[k] * c[k] / size)
            step = max(c[k] / size + t * (rest / (size * limit)).squareRoot(), -old)
          } else if t > 0 {
            // No part of the ball is left.
            continue
          }
          if step == 0 || !(old + step).isFinite { continue }
          square = max(0, square - 2 * step * c[k] + step * step * size)
          for j in places.indices { c[j] -= step * gram[k, j] }
          multipliers[row, places[k]] = max(0, old + step)
        }
      }
    }
  }
}
