import Foundation

/// Tables of the ziggurat of 256 layers under exp(-x^2/2).
///
/// Marsaglia and Tsang, *The ziggurat method for generating random variables*, 2000, in the form of
/// Doornik (2005), which uses separate bits for the layer and for the position in it.
private struct Ziggurat: Sendable {
  static let tailStart = 3.654152885361009
  static let layerArea = 0.004928673233974655

  /// Right edges of the layers, from the widest (the base, with the tail folded in) to 0.
  let edge: [Double]
  /// edge[i + 1] / edge[i]: below this share of a layer every point lies under the curve.
  let ratio: [Double]

  static let shared = Ziggurat()

  private init() {
    var edge = [Double](repeating: 0, count: 257)
    var density = exp(-0.5 * Self.tailStart * Self.tailStart)
    edge[0] = Self.layerArea / density
    edge[1] = Self.tailStart
    for i in 2..<256 {
      edge[i] = (-2 * log(Self.layerArea / edge[i - 1] + density)).squareRoot()
      density = exp(-0.5 * edge[i] * edge[i])
    }
    edge[256] = 0
    self.edge = edge
    self.ratio = (0..<256).map { edge[$0 + 1] / edge[$0] }
  }
}

extension RandomStream {
  /// A standard normal number.
  public mutating func nextGaussian() -> Double {
    let tables = Ziggurat.shared
    return tables.edge.withUnsafeBufferPointer { edge in
      tables.ratio.withUnsafeBufferPointer { ratio in
        sample(edge.baseAddress!, ratio.baseAddress!)
      }
    }
  }

  /// Fills a buffer with independent N(0, standardDeviation^2) numbers.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public mutating func fillGaussian<Scalar: LinearScalar>(
    _ buffer: UnsafeMutableBufferPointer<Scalar>, standardDeviation: Double = 1
  ) {
    let tables = Ziggurat.shared
    var generator = self
    tables.edge.withUnsafeBufferPointer { edge in
      tables.ratio.withUnsafeBufferPointer { ratio in
        for i in 0..<buffer.count {
          let value = generator.sample(edge.baseAddress!, ratio.baseAddress!)
          buffer[i] = Scalar(standardDeviation * value)
        }
      }
    }
    self = generator
  }

  @inline(__always)
  private mutating func sample(_ edge: UnsafePointer<Double>, _ ratio: UnsafePointer<Double>)
    -> Double
  {
    while true {
      let bits = next()
      let layer = Int(bits & 255)
      // 54 bits, symmetric about zero.
      let u = Double(Int64(bitPattern: bits) >> 10) * 0x1p-53
      if abs(u) < ratio[layer] { return u * edge[layer] }
      if let value = sampleEdge(layer, u, edge) { return value }
    }
  }

  /// The rare cases: the tail, and the wedge between a layer's rectangle and the curve.
  @inline(never)
  private mutating func sampleEdge(_ layer: Int, _ u: Double, _ edge: UnsafePointer<Double>)
    -> Double?
  {
    if layer == 0 {
      let start = Ziggurat.tailStart
      while true {
        let x = log(1 - nextUniform()) / start
        let y = log(1 - nextUniform())
        if -2 * y > x * x { return u < 0 ? x - start : start - x }
      }
    }
    let x = u * edge[layer]
    let upper = exp(-0.5 * (edge[layer] * edge[layer] - x * x))
    let lower = exp(-0.5 * (edge[layer + 1] * edge[layer + 1] - x * x))
    return lower + nextUniform() * (upper - lower) < 1 ? x : nil
  }
}

extension Matrix {
  /// A matrix of independent N(0, standardDeviation^2) entries.
  ///
  /// Rows are drawn in blocks of fixed size, each from its own child of `stream`, so the result does
  /// not depend on the number of threads.
  public static func gaussian(
    rows: Int, columns: Int, standardDeviation: Double = 1, stream: RandomStream
  ) -> Matrix {
    var result = Matrix(uninitializedRows: rows, columns: columns)
    result.withMutablePointer { base in
      nonisolated(unsafe) let base = base
      Parallel.forEachBlock(of: rows, size: 64) { block, range in
        var generator = stream.child("rows", block)
        generator.fillGaussian(
          UnsafeMutableBufferPointer(
            start: base + range.lowerBound * columns, count: range.count * columns),
          standardDeviation: standardDeviation)
      }
    }
    return result
  }

  /// A matrix of independent entries uniform in [-bound, bound].
  public static func uniform(rows: Int, columns: Int, bound: Double, stream: RandomStream)
    -> Matrix
  {
    var generator = stream
    var result = Matrix(rows: rows, columns: columns)
    for i in result.elements.indices {
      result.elements[i] = Scalar((2 * generator.nextUniform() - 1) * bound)
    }
    return result
  }
}
