import LinearCore

/// Loops over matrices of coefficients, one row a bound.
enum RowArithmetic {
  /// y <- y + x.
  static func add(_ x: Matrix<Double>, to y: inout Matrix<Double>) {
    let count = x.elements.count
    y.withMutablePointer { y in
      x.withPointer { x in
        for i in 0..<count { y[i] += x[i] }
      }
    }
  }

  /// y <- y + x diag(d).
  static func add(_ x: Matrix<Double>, times d: [Double], to y: inout Matrix<Double>) {
    let (rows, columns) = (x.rows, x.columns)
    y.withMutablePointer { y in
      x.withPointer { x in
        d.withUnsafeBufferPointer { d in
          for row in 0..<rows {
            for j in 0..<columns { y[row * columns + j] += x[row * columns + j] * d[j] }
          }
        }
      }
    }
  }

  /// y <- y + x, every row of x less its mean.
  static func addCentered(_ x: Matrix<Double>, to y: inout Matrix<Double>) {
    let (rows, columns) = (x.rows, x.columns)
    y.withMutablePointer { y in
      x.withPointer { x in
        for row in 0..<rows {
          let (source, target) = (x + row * columns, y + row * columns)
          var sum = 0.0
          for j in 0..<columns { sum += source[j] }
          let mean = sum / Double(columns)
          for j in 0..<columns { target[j] += source[j] - mean }
        }
      }
    }
  }

  /// c <- c + a b, on this thread.
  static func multiply(_ a: Matrix<Double>, _ b: Matrix<Double>, addingTo c: inout Matrix<Double>) {
    guard a.rows > 0, a.columns > 0, b.columns > 0 else { return }
    c.withMutablePointer { c in
      a.withPointer { a0 in
        b.withPointer { b0 in
          Double.gemm(
            transposeA: false, transposeB: false, m: a.rows, n: b.columns, k: a.columns, alpha: 1,
            a: a0, leadingA: a.columns, b: b0, leadingB: b.columns, beta: 1, c: c,
            leadingC: b.columns)
        }
      }
    }
  }

  /// sum_j |a_ij| e_j of every row, added to `sums`. Terms with a_ij = 0 are 0.
  static func addMagnitudes(_ a: Matrix<Double>, times e: [Double], to sums: inout [Double]) {
    let columns = a.columns
    let isFinite = e.allSatisfy(\.isFinite)
    a.withPointer { a in
      e.withUnsafeBufferPointer { e in
        for row in sums.indices {
          let line = a + row * columns
          var sum = 0.0
          if isFinite {
            var lanes = SIMD8<Double>.zero
            var j = 0
            while j + 8 <= columns {
              let x = UnsafeRawPointer(line + j).loadUnaligned(as: SIMD8<Double>.self)
              let y = UnsafeRawPointer(e.baseAddress! + j).loadUnaligned(as: SIMD8<Double>.self)
              lanes += x.replacing(with: -x, where: x .< 0) * y
              j += 8
            }
            sum = lanes.sum()
            while j < columns {
              sum += line[j].magnitude * e[j]
              j += 1
            }
          } else {
            for j in 0..<columns where line[j] != 0 { sum += line[j].magnitude * e[j] }
          }
          sums[row] += sum
        }
      }
    }
  }
}
