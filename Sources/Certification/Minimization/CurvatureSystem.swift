import LinearCore

/// Systems of linear equations with matrices
///
///     H = shift I + sum_j c_j u_j u_j^T,
///
/// for few directions u_j and c_j that change from one Newton step to the next.
///
/// In few dimensions H is added up and factorised. In many, most c_j stay what they are on the straight stretch of
/// a relaxation, c_j = -shift theta_j: with the factor of S = I - sum_j theta_j u_j u_j^T, which is made once for a choice of
/// theta, H = shift S + (few more terms), and Woodbury's formula leaves a system in as many unknowns as there are terms.
final class CurvatureSystem {
  /// Dimensions from which on a base pays.
  private static var smallest: Int { 65 }

  private let n: Int
  private let rows: Matrix<Double>
  /// The upper triangular factor of H, or of S.
  private var factor: [Double]
  /// theta_j.
  private var base: [Double]?
  /// u_j^T (factor of S)^-1 as rows, and their inner products.
  private var solved: Matrix<Double>?
  private var gram: Matrix<Double>?
  /// The terms beside the base, and the factor of their system.
  private var terms: [Int] = []
  private var scales: [Double] = []
  private var inner: [Double] = []
  private var shift = 1.0

  /// - Parameter rows: u_j, (neurons, n).
  init(rows: Matrix<Double>) {
    self.rows = rows
    n = rows.columns
    factor = [Double](repeating: 0, count: n * n)
  }

  /// Chooses theta_j >= 0 for what follows; of no consequence for results.
  func setBase(_ theta: [Double]) {
    guard n >= Self.smallest else { return }
    base = nil
    guard add(theta.map { -$0 }, shift: 1) else { return }
    var images = rows
    images.withMutablePointer { target in
      Double.solveFromRight(rows: rows.rows, n, factor, target)
    }
    gram = Matrix.product(images, images, transposeB: true)
    solved = images
    base = theta
  }

  /// Prepares ``solve(_:)``; a shift that is too small for rounding is enlarged, a little at first.
  ///
  /// - Returns: false where no shift will do, because curvatures are not finite or beyond all measure.
  func factorize(shift: Double, curvatures: UnsafeBufferPointer<Double>) -> Bool {
    self.shift = shift
    if let base, factorizeTerms(base, curvatures) { return true }
    base = nil
    let list = Array(curvatures)
    guard shift.isFinite, list.allSatisfy(\.isFinite) else { return false }
    var (shift, growth) = (shift, 1e-3)
    for _ in 0..<24 {
      if add(list, shift: shift) { return true }
      shift *= 1 + growth
      growth *= 4
    }
    return false
  }

  /// Whether H is numerically positive definite; `factor` then is its factor.
  private func add(_ curvatures: [Double], shift: Double) -> Bool {
    factor.withUnsafeMutableBufferPointer { target in
      let target = target.baseAddress!
      for i in 0..<n {
        for k in 0..<n { target[i * n + k] = 0 }
        target[i * n + i] = shift
      }
      rows.withPointer { rows in
        curvatures.withUnsafeBufferPointer {
          QuadraticForm.add(n, rows: rows, coefficients: $0, to: target)
        }
      }
      return SmallCholesky.factorize(n, target)
    }
  }

  /// The system I + D Y Y^T D / shift of the terms with c_j > -shift theta_j, D the square roots of the difference.
  private func factorizeTerms(_ base: [Double], _ curvatures: UnsafeBufferPointer<Double>) -> Bool {
    guard let gram else { return false }
    terms.removeAll(keepingCapacity: true)
    scales.removeAll(keepingCapacity: true)
    for j in base.indices {
      let more = curvatures[j] + shift * base[j]
      if more > 1e-14 * shift {
        terms.append(j)
        scales.append((more / shift).squareRoot())
      } else if more < -1e-9 * shift {
        return false
      }
    }
    let count = terms.count
    inner = [Double](unsafeUninitializedCapacity: count * count) { target, size in
      gram.withPointer { gram in
        for a in 0..<count {
          let (row, scale) = (gram + terms[a] * rows.rows, scales[a])
          for b in a..<count { target[a * count + b] = scale * scales[b] * row[terms[b]] }
          target[a * count + a] += 1
        }
      }
      size = count * count
    }
    return count == 0
      || inner.withUnsafeMutableBufferPointer { SmallCholesky.factorize(count, $0.baseAddress!) }
  }

  /// x <- H^-1 x.
  func solve(_ x: UnsafeMutablePointer<Double>) {
    guard base != nil, let solved else { return SmallCholesky.solve(n, factor, x) }
    // H = shift F^T (I + Y^T D^2 Y) F with the factor F of S and the rows Y of the terms.
    Double.solveTriangular(n, factor, transposed: true, x)
    if !terms.isEmpty {
      var shares = solved.withPointer { rows in
        terms.indices.map { scales[$0] * Double.dot(n, rows + terms[$0] * n, x) }
      }
      shares.withUnsafeMutableBufferPointer {
        SmallCholesky.solve(terms.count, inner, $0.baseAddress!)
      }
      solved.withPointer { rows in
        for a in terms.indices {
          Double.add(n, -scales[a] * shares[a], rows + terms[a] * n, to: x)
        }
      }
    }
    Double.solveTriangular(n, factor, transposed: false, x)
    Double.scale(n, 1 / shift, x)
  }
}
