import LinearCore

/// Products of rows that come in pairs, A and B, with a matrix M, where B is -A but for some columns: then
/// B M = (A + B) M - A M, and A + B has few columns.
struct PairedRows {
  /// A M above B M.
  let product: Matrix<Double>
  /// |A|, and twice |A + B|, above each other: the sizes that the rounding of B M is relative to.
  private let sizes: Matrix<Double>

  /// Nil where a plain product is as quick.
  init?(_ rows: Matrix<Double>, _ map: DenseMap) {
    let (half, width) = (rows.rows / 2, rows.columns)
    guard half >= 8, width >= 32 else { return nil }
    var sums = Matrix<Double>(uninitializedRows: half, columns: width)
    var isOpen = [Bool](repeating: false, count: width)
    sums.withMutablePointer { sums in
      rows.withPointer { rows in
        for i in 0..<half {
          let (a, b) = (rows + i * width, rows + (i + half) * width)
          for j in 0..<width {
            let sum = a[j] + b[j]
            sums[i * width + j] = sum
            if sum != 0 { isOpen[j] = true }
          }
        }
      }
    }
    let open = isOpen.indices.filter { isOpen[$0] }
    guard open.count <= width * 2 / 3 else { return nil }
    let columns = map.entries.columns
    var narrow = Matrix<Double>(uninitializedRows: half, columns: open.count)
    for i in 0..<half {
      for (place, j) in open.enumerated() { narrow[i, place] = sums[i, j] }
    }
    var product = Matrix<Double>(rows: 2 * half, columns: columns)
    let chosen = map.entries.rows(at: open)
    product.withMutablePointer { c in
      rows.withPointer { a in
        map.entries.withPointer { m in
          Double.gemm(
            transposeA: false, transposeB: false, m: half, n: columns, k: width, alpha: 1, a: a,
            leadingA: width, b: m, leadingB: columns, beta: 0, c: c, leadingC: columns)
        }
      }
      let second = c + half * columns
      if !open.isEmpty {
        narrow.withPointer { a in
          chosen.withPointer { m in
            Double.gemm(
              transposeA: false, transposeB: false, m: half, n: columns, k: open.count, alpha: 1,
              a: a, leadingA: open.count, b: m, leadingB: columns, beta: 0, c: second,
              leadingC: columns)
          }
        }
      }
      for k in 0..<half * columns { second[k] -= c[k] }
    }
    self.product = product
    var sizes = Matrix<Double>(uninitializedRows: half, columns: width)
    sizes.withMutablePointer { sizes in
      rows.withPointer { a in
        sums.withPointer { sums in
          for k in 0..<half * width { sizes[k] = a[k].magnitude + 2 * sums[k].magnitude }
        }
      }
    }
    self.sizes = sizes
  }

  /// Adds what rounding does to the second half: `errors` of every coefficient times its size.
  func charge(_ costs: [Double], to errors: inout [Double]) {
    let half = errors.count / 2
    var own = [Double](repeating: 0, count: half)
    RowArithmetic.addMagnitudes(sizes, times: costs, to: &own)
    for i in 0..<half { errors[half + i] += own[i] }
  }
}
