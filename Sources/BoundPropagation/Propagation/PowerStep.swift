import LinearCore

/// The step of a ``BackwardPass`` through relu(z)^p: coefficients of dh become coefficients of dz and a constant.
struct PowerStep {
  private let power: PowerLines
  private let bounds: RegionBounds
  private let node: Int
  private let input: Int
  /// Lines below by the shared slopes, and above.
  private let below: [PowerLines.Line]
  private let above: [PowerLines.Line]
  /// Neurons whose line below may be chosen.
  private let open: [Int]

  init(
    _ bounds: RegionBounds, _ node: Int, _ power: BoundedNetwork.PowerNode, shared: [Double]
  ) {
    let lines = PowerLines(power)
    self.power = lines
    self.bounds = bounds
    self.node = node
    input = power.input
    let (low, high) = (bounds.lower[power.input], bounds.upper[power.input])
    let (z, h) = (bounds.reference.values[power.input], bounds.reference.values[node])
    below = z.indices.map {
      lines.below(low[$0], high[$0], z[$0], h[$0], slope: shared[$0], at: $0)
    }
    above = bounds.above[node]
    open = z.indices.filter {
      !lines.isDead(upper: high[$0], z[$0]) && !lines.isLinear(lower: low[$0], z[$0])
    }
  }

  /// The coefficients of dz; constants grow by those of the lines, sizes by the sizes of these, and errors by the
  /// rounding of the products.
  func applied(
    to a: Matrix<Double>, slopesOfRows: Matrix<Double>?, constants: inout [Double],
    sizes: inout [Double], errors: inout [Double]
  ) -> Matrix<Double> {
    let (rows, columns) = (a.rows, a.columns)
    var result = Matrix<Double>(uninitializedRows: rows, columns: columns)
    let (a0, b0) = (below.map(\.slope), below.map(\.intercept))
    let (a1, b1) = (above.map(\.slope), above.map(\.intercept))
    let isFinite = (b0 + b1).allSatisfy(\.isFinite)
    let doubt = bounds.magnitudes[input].map { 4 * Rounding.unit * $0 }
    result.withMutablePointer { target in
      a.withPointer { source in
        for row in 0..<rows {
          let (x, y) = (source + row * columns, target + row * columns)
          var sums = Sums()
          if isFinite {
            Self.apply(columns, x, a0, b0, a1, b1, into: y, &sums)
          } else {
            Self.applySlowly(columns, x, a0, b0, a1, b1, into: y, &sums)
          }
          if let slopesOfRows {
            replaceLines(x, slopesOfRows, row, into: y, &sums)
          }
          constants[row] += sums.constant
          sizes[row] += sums.size
        }
      }
    }
    RowArithmetic.addMagnitudes(result, times: doubt, to: &errors)
    return result
  }

  private struct Sums {
    var constant = 0.0
    var size = 0.0
  }

  /// y = x⁺ a0 + x⁻ a1, and the sum of x⁺ b0 + x⁻ b1.
  private static func apply(
    _ count: Int, _ x: UnsafePointer<Double>, _ a0: [Double], _ b0: [Double], _ a1: [Double],
    _ b1: [Double], into y: UnsafeMutablePointer<Double>, _ sums: inout Sums
  ) {
    typealias Lanes = SIMD8<Double>
    @inline(__always) func load(_ p: UnsafePointer<Double>, _ j: Int) -> Lanes {
      UnsafeRawPointer(p + j).loadUnaligned(as: Lanes.self)
    }
    a0.withUnsafeBufferPointer { a0 in
      b0.withUnsafeBufferPointer { b0 in
        a1.withUnsafeBufferPointer { a1 in
          b1.withUnsafeBufferPointer { b1 in
            var (constant, size) = (Lanes.zero, Lanes.zero)
            var j = 0
            while j + 8 <= count {
              let v = load(x, j)
              let isUp = v .> 0
              let slope = load(a1.baseAddress!, j).replacing(
                with: load(a0.baseAddress!, j), where: isUp)
              let intercept = load(b1.baseAddress!, j).replacing(
                with: load(b0.baseAddress!, j), where: isUp)
              UnsafeMutableRawPointer(y + j).storeBytes(of: v * slope, as: Lanes.self)
              let term = v * intercept
              constant += term
              size += term.replacing(with: -term, where: term .< 0)
              j += 8
            }
            sums.constant = constant.sum()
            sums.size = size.sum()
            while j < count {
              let v = x[j]
              y[j] = v * (v > 0 ? a0[j] : a1[j])
              let term = v * (v > 0 ? b0[j] : b1[j])
              sums.constant += term
              sums.size += term.magnitude
              j += 1
            }
          }
        }
      }
    }
  }

  /// The same where intercepts are infinite.
  private static func applySlowly(
    _ count: Int, _ x: UnsafePointer<Double>, _ a0: [Double], _ b0: [Double], _ a1: [Double],
    _ b1: [Double], into y: UnsafeMutablePointer<Double>, _ sums: inout Sums
  ) {
    for j in 0..<count {
      let v = x[j]
      y[j] = v == 0 ? 0 : v * (v > 0 ? a0[j] : a1[j])
      if v == 0 { continue }
      let term = v * (v > 0 ? b0[j] : b1[j])
      sums.constant += term
      sums.size += term.magnitude
    }
  }

  /// Lines below of slopes of their own for one row.
  private func replaceLines(
    _ x: UnsafePointer<Double>, _ slopes: Matrix<Double>, _ row: Int,
    into y: UnsafeMutablePointer<Double>, _ sums: inout Sums
  ) {
    let (low, high) = (bounds.lower[input], bounds.upper[input])
    let (z, h) = (bounds.reference.values[input], bounds.reference.values[node])
    for j in open where x[j] > 0 {
      let line = power.below(low[j], high[j], z[j], h[j], slope: slopes[row, j], at: j)
      let (old, new) = (x[j] * below[j].intercept, x[j] * line.intercept)
      sums.constant += new - old
      sums.size += new.magnitude + 2 * old.magnitude
      y[j] = x[j] * line.slope
    }
  }
}
