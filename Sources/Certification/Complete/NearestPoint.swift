import LinearCore

/// The point of a polyhedron nearest to the origin, in any norm and any number of dimensions.
struct NearestPoint {
  private var projection: EuclideanProjection?
  private var dictionary: LinearDictionary?
  private var wide: WidePoint?

  init(dimension: Int, norm: Norm) {
    if norm == .l2 {
      projection = EuclideanProjection(dimension: dimension)
    } else {
      dictionary = LinearDictionary(dimension: dimension, isMaximumNorm: norm == .linf)
    }
  }

  /// Of many dimensions, where half-spaces count only once they are met; see ``settle(target:)``.
  init(_ wide: WidePoint) { self.wide = wide }

  /// Moves to the nearest point of all half-spaces.
  ///
  /// - Parameter target: a distance that needs no more.
  mutating func settle(target: Double) { wide?.settle(target: target) }

  /// Moves to the nearest point that is also in { <c, d> >= e }, c of length 1 in l2.
  mutating func add(normal: [Double], offset: Double) {
    wide?.add(normal: normal, offset: offset)
    projection?.add(normal: normal, offset: offset)
    dictionary?.add(normal: normal, offset: offset)
  }

  /// Whether no point is left.
  var isEmpty: Bool { projection?.isEmpty ?? dictionary?.isEmpty ?? false }

  /// ‖d‖.
  var length: Double {
    projection.map { $0.square.squareRoot() } ?? dictionary?.length ?? wide?.length ?? 0
  }

  /// d.
  var point: [Double] { projection?.point ?? dictionary?.point ?? wide?.point ?? [] }

  /// The half-spaces that count, by number, with multipliers >= 0: the bound is that of their sum.
  var active: [(number: Int, multiplier: Double)] {
    projection.map { zip($0.active, $0.multipliers).map { ($0, $1) } } ?? dictionary?.active
      ?? wide?.active ?? []
  }
}
