import LinearCore

/// Products of rows that come in pairs, A and B, with a matrix M, where B is -A but for some columns: then
/// B M = (A + B) M - A M, and A + B has few columns.
struct PairedRows {
  /// A M above B M.
  let product: Matrix<Double>
  /// |A|, and twice |A + B|, above each other: the sizes that the rounding of B M is relative to.
  private let sizes: Matrix<Double>

  /// Nil where a plain product is as quick.
  init?(_ rows: Matrix<Double>, _ map: DenseMap, isSingle: Bool) {
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
    var product = Matrix<Double>(uninitializedRows: 2 * half, columns: columns)
    product.withMutablePointer { c in
      let second = c + half * columns
      if let single = isSingle ? map.single : nil {
        DenseMap.product(rows, half, single, into: c)
        DenseMap.product(narrow, half, single.rows(at: open), into: second)
      } else {
        Self.product(rows, half, map.entries, into: c)
        Self.product(narrow, half, map.entries.rows(at: open), into: second)
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

  /// A M for the first `count` rows of A; 0 where A has no columns.
  private static func product(
    _ a: Matrix<Double>, _ count: Int, _ m: Matrix<Double>, into c: UnsafeMutablePointer<Double>
  ) {
    let columns = m.columns
    if a.columns == 0 { return c.update(repeating: 0, count: count * columns) }
    a.withPointer { a0 in
      m.withPointer { m in
        Double.gemm(
          transposeA: false, transposeB: false, m: count, n: columns, k: a.columns, alpha: 1,
          a: a0, leadingA: a.columns, b: m, leadingB: columns, beta: 0, c: c, leadingC: columns)
      }
    }
  }

  /// Adds what rounding does to the second half: `errors` of every coefficient times its size.
  func charge(_ costs: [Double], to errors: inout [Double]) {
    let half = errors.count / 2
    var own = [Double](repeating: 0, count: half)
    RowArithmetic.addMagnitudes(sizes, times: costs, to: &own)
    for i in 0..<half { errors[half + i] += own[i] }
  }
}
