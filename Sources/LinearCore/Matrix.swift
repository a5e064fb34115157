/// A dense matrix in row-major order.
///
/// A value type over one contiguous array: element (i, j) is `elements[i * columns + j]`.
public struct Matrix<Scalar: LinearScalar>: Sendable, Equatable {
  /// The number of rows.
  public let rows: Int
  /// The number of columns.
  public let columns: Int
  /// The entries, row after row; `rows * columns` of them.
  @inlinable
  public var elements: [Scalar] {
    get { storage }
    // In place: an observer would copy the array with every change of an entry.
    _modify {
      yield &storage
      precondition(storage.count == rows * columns, "a matrix keeps its size")
    }
  }
  @usableFromInline var storage: [Scalar]

  /// A matrix of zeros.
  public init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0)
    self.rows = rows
    self.columns = columns
    // Bytes of 0 are the number 0, also where the compiler does not know which type of number this is.
    storage = [Scalar](unsafeUninitializedCapacity: rows * columns) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).initializeMemory(as: UInt8.self, repeating: 0)
      count = rows * columns
    }
  }

  /// A matrix with the given entries, row after row.
  public init(rows: Int, columns: Int, elements: [Scalar]) {
    precondition(elements.count == rows * columns, "the entries do not fill the matrix")
    self.rows = rows
    self.columns = columns
    storage = elements
  }

  /// A matrix from a list of rows of equal length.
  public init(_ rows: [[Scalar]]) {
    let columns = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == columns }, "rows of different lengths")
    self.init(rows: rows.count, columns: columns, elements: rows.flatMap { $0 })
  }

  /// A matrix whose entries are arbitrary until they are written.
  public init(uninitializedRows rows: Int, columns: Int) {
    self.init(
      rows: rows, columns: columns,
      elements: [Scalar](unsafeUninitializedCapacity: rows * columns) { _, count in
        count = rows * columns
      })
  }

  /// The n by n identity.
  public static func identity(_ n: Int) -> Matrix {
    var result = Matrix(rows: n, columns: n)
    for i in 0..<n { result[i, i] = 1 }
    return result
  }

  /// The entry in row `i` and column `j`.
  @inlinable
  public subscript(i: Int, j: Int) -> Scalar {
    get {
      precondition(i >= 0 && i < rows && j >= 0 && j < columns, "index outside the matrix")
      return elements[i * columns + j]
    }
    set {
      precondition(i >= 0 && i < rows && j >= 0 && j < columns, "index outside the matrix")
      elements[i * columns + j] = newValue
    }
  }

  /// Row `i` as an array.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func row(_ i: Int) -> [Scalar] {
    precondition(i >= 0 && i < rows, "index outside the matrix")
    return Array(elements[i * columns..<(i + 1) * columns])
  }

  /// Replaces row `i` by `columns` numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func setRow(_ i: Int, _ values: [Scalar]) {
    precondition(i >= 0 && i < rows && values.count == columns, "a row of the wrong shape")
    elements.replaceSubrange(i * columns..<(i + 1) * columns, with: values)
  }

  /// Column `j` as an array.
  public func column(_ j: Int) -> [Scalar] {
    precondition(j >= 0 && j < columns, "index outside the matrix")
    return (0..<rows).map { elements[$0 * columns + j] }
  }

  /// The matrix of the listed rows, in that order; a row may be listed twice.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func rows(at indices: [Int]) -> Matrix {
    var result = Matrix(uninitializedRows: indices.count, columns: columns)
    let width = columns
    let height = rows
    result.withMutablePointer { target in
      withPointer { source in
        nonisolated(unsafe) let (target, source) = (target, source)
        let block = max(1, 65_536 / max(1, width))
        Parallel.forEachBlock(of: indices.count, size: block) { _, range in
          for position in range {
            let index = indices[position]
            precondition(index >= 0 && index < height, "index outside the matrix")
            (target + position * width).update(from: source + index * width, count: width)
          }
        }
      }
    }
    return result
  }

  /// The consecutive rows of a range.
  public func rows(in range: Range<Int>) -> Matrix {
    precondition(range.lowerBound >= 0 && range.upperBound <= rows, "range outside the matrix")
    return Matrix(
      rows: range.count, columns: columns,
      elements: Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  /// A copy of shape (columns, rows) with rows and columns exchanged.
  public var transposed: Matrix {
    var result = Matrix(uninitializedRows: columns, columns: rows)
    result.withMutablePointer { target in
      withPointer { source in
        // Tiles keep both sides in cache.
        for tile in stride(from: 0, to: rows, by: 32) {
          for j in 0..<columns {
            for i in tile..<Swift.min(rows, tile + 32) {
              target[j * rows + i] = source[i * columns + j]
            }
          }
        }
      }
    }
    return result
  }

  /// The same matrix with another scalar type.
  @specialized(where Scalar == Float, Other == Double)
  @specialized(where Scalar == Double, Other == Float)
  public func converted<Other: LinearScalar>(to _: Other.Type = Other.self) -> Matrix<Other> {
    if let same = self as? Matrix<Other> { return same }
    return Matrix<Other>(rows: rows, columns: columns, elements: elements.map { Other($0) })
  }

  /// Whether no entry is NaN or infinite.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func isFinite() -> Bool {
    // 0 * x is NaN exactly for NaN and infinity.
    var sum: Scalar = 0
    for value in elements { sum += 0 * value }
    return sum == 0
  }

  /// Calls `body` with a pointer to the first entry.
  @inlinable
  public func withPointer<Result>(_ body: (UnsafePointer<Scalar>) throws -> Result) rethrows
    -> Result
  {
    try elements.withUnsafeBufferPointer { try body($0.baseAddress ?? Self.emptyAddress) }
  }

  /// Calls `body` with a pointer to the first entry, for writing.
  @inlinable
  public mutating func withMutablePointer<Result>(
    _ body: (UnsafeMutablePointer<Scalar>) throws -> Result
  ) rethrows -> Result {
    try elements.withUnsafeMutableBufferPointer {
      try body($0.baseAddress ?? UnsafeMutablePointer(mutating: Self.emptyAddress))
    }
  }

  /// A non-null address for matrices without entries; never read.
  @usableFromInline
  static var emptyAddress: UnsafePointer<Scalar> {
    UnsafePointer(bitPattern: MemoryLayout<Scalar>.alignment)!
  }
}
