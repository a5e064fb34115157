import LinearCore

/// The Riemannian Hessian of G at a unit vector u, as products with vectors; see ``DirectionFlow``.
struct TangentHessian {
  let direction: [Double]
  private let inputs: Matrix<Double>
  /// g_i p (p-1) relu(<u, x_i>)^(p-2).
  private let curvatures: [Double]
  /// p G(u).
  private let shift: Double

  /// - Parameter activating: samples with <u, x_i> = 0 that count as active at p = 2.
  init(_ flow: DirectionFlow, at direction: [Double], value: Double, activating: Set<Int> = []) {
    self.direction = direction
    inputs = flow.inputs
    let p = flow.exponent
    shift = p * value
    let sums = flow.inputs.times(direction)
    curvatures = sums.indices.map { i in
      if p == 1 || sums[i] <= 0 && !activating.contains(i) { return 0 }
      return flow.weights[i] * p * (p - 1) * (p == 2 ? 1 : Double.power(max(0, sums[i]), p - 2))
    }
  }

  /// H y for a tangent vector y.
  func times(_ y: [Double]) -> [Double] {
    var sums = inputs.times(y)
    for i in sums.indices { sums[i] *= curvatures[i] }
    var result = y
    inputs.withPointer {
      Double.gemv(
        transposeA: true, m: inputs.rows, n: inputs.columns, alpha: 1, a: $0,
        leadingA: inputs.columns, x: sums, beta: -shift, y: &result)
    }
    result.withUnsafeMutableBufferPointer {
      removeComponent($0.count, along: direction, from: $0.baseAddress!)
    }
    return result
  }

  /// The smallest and the largest eigenvalue on the tangent space.
  func extremeEigenvalues() throws(FactorizationError) -> (smallest: Double, largest: Double) {
    let start = Matrix<Double>.gaussian(
      rows: 1, columns: direction.count, stream: RandomStream(seed: 0).child("lanczos"))
    var lanczos = TangentLanczos(start: start.row(0), orthogonalTo: direction)
    let most = min(direction.count - 1, 300)
    while true {
      let isExhausted = lanczos.extend(with: times)
      let size = lanczos.alphas.count
      if isExhausted || size == most || size % 10 == 0 {
        let ritz = try lanczos.tridiagonal().symmetricEigendecomposition()
        let scale = max(ritz.values[0].magnitude, ritz.values[size - 1].magnitude)
        // |residual| of a Ritz value bounds its distance from an eigenvalue.
        let residual =
          lanczos.betas[size - 1]
          * max(
            ritz.vectors[0, size - 1].magnitude, ritz.vectors[size - 1, size - 1].magnitude)
        if isExhausted || size == most || residual <= 1e-10 * scale {
          return (ritz.values[0], ritz.values[size - 1])
        }
      }
    }
  }

  /// A tangent y with H y = b up to a millionth of ||b||, from the Krylov space of b.
  func solve(_ b: [Double]) throws(FactorizationError) -> [Double] {
    let size = RowKernels.norm(b.count, b)
    var lanczos = TangentLanczos(start: b, orthogonalTo: direction)
    let most = min(direction.count - 1, 300)
    while true {
      let isExhausted = lanczos.extend(with: times)
      let count = lanczos.alphas.count
      guard isExhausted || count == most || count % 5 == 0 else { continue }
      let ritz = try lanczos.tridiagonal().symmetricEigendecomposition()
      let scale = max(ritz.values[0].magnitude, ritz.values[count - 1].magnitude)
      var coordinates = [Double](repeating: 0, count: count)
      for k in 0..<count where ritz.values[k].magnitude > 1e-13 * scale {
        let factor = size * ritz.vectors[k, 0] / ritz.values[k]
        for i in 0..<count { coordinates[i] += factor * ritz.vectors[k, i] }
      }
      let residual = lanczos.betas[count - 1] * coordinates[count - 1].magnitude
      if isExhausted || count == most || residual <= 1e-6 * size {
        return lanczos.combination(coordinates)
      }
    }
  }
}

/// The Lanczos process on the tangent space of a unit vector, with full reorthogonalisation: orthonormal
/// q_1, q_2, ... and H in their span as a tridiagonal matrix.
private struct TangentLanczos {
  /// The diagonal.
  private(set) var alphas: [Double] = []
  /// Beside it; the last one leads out of the span.
  private(set) var betas: [Double] = []
  private var vectors: [[Double]]
  private let normal: [Double]
  private var next: [Double]

  init(start: [Double], orthogonalTo normal: [Double]) {
    self.normal = normal
    vectors = []
    next = start
    orthogonalize(&next)
    next = unit(next)
  }

  private func orthogonalize(_ x: inout [Double]) {
    x.withUnsafeMutableBufferPointer { x in
      for _ in 0..<2 {
        for q in vectors {
          Double.add(x.count, -Double.dot(x.count, q, x.baseAddress!), q, to: x.baseAddress!)
        }
        removeComponent(x.count, along: normal, from: x.baseAddress!)
      }
    }
  }

  /// One more vector; true where the span cannot grow any more.
  mutating func extend(with product: ([Double]) -> [Double]) -> Bool {
    let q = next
    var image = product(q)
    let scale = RowKernels.norm(image.count, image)
    alphas.append(Double.dot(q.count, q, image))
    vectors.append(q)
    orthogonalize(&image)
    let beta = RowKernels.norm(image.count, image)
    let isExhausted = beta <= 1e-14 * max(scale, alphas.map(\.magnitude).max()!)
    betas.append(isExhausted ? 0 : beta)
    if !isExhausted { next = image.map { $0 / beta } }
    return isExhausted
  }

  func tridiagonal() -> Matrix<Double> {
    var matrix = Matrix<Double>(rows: alphas.count, columns: alphas.count)
    for k in alphas.indices {
      matrix[k, k] = alphas[k]
      if k > 0 {
        matrix[k, k - 1] = betas[k - 1]
        matrix[k - 1, k] = betas[k - 1]
      }
    }
    return matrix
  }

  func combination(_ coordinates: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: normal.count)
    for (factor, q) in zip(coordinates, vectors) { Double.add(q.count, factor, q, to: &result) }
    return result
  }
}
