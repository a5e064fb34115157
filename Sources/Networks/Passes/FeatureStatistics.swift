import LinearCore

/// What the hidden features H of a data set look like, and how the network does on it, from one forward
/// pass.
package struct FeatureStatistics: Sendable, Equatable {
  /// ||H||_F^2 / ||H||_2^2 of the features, (n, hiddenWidth).
  package let stableRank: Double
  /// Mean loss.
  package let loss: Double
  /// Share of samples classified correctly.
  package let accuracy: Double
}

extension PReLUNetwork {
  /// Loss, accuracy and stable rank of the hidden features on prepared inputs.
  ///
  /// The features are kept for the few products that their spectral norm takes (n x hiddenWidth
  /// numbers of memory); no singular value decomposition is made.
  package func featureStatistics(_ inputs: PreparedInputs<Scalar>, labels: [Int], loss: Loss)
    -> FeatureStatistics
  {
    let count = inputs.rows.rows
    precondition(count == labels.count && count > 0, "one label a sample")
    let blocks = Parallel.blockCount(of: count, size: evaluationBlockSize)
    var tiles = [Matrix<Scalar>](repeating: Matrix(rows: 0, columns: 0), count: blocks)
    let (width, outputs) = (hiddenWidth, outputCount)
    var logits = Matrix<Scalar>(uninitializedRows: count, columns: outputs)
    logits.withMutablePointer { logits in
      tiles.withUnsafeMutableBufferPointer { tiles in
        nonisolated(unsafe) let (tiles, logits) = (tiles, logits)
        forEachBlock(of: inputs) { pass, range, rows, scales in
          pass.forwardFeatures(range.count, rows)
          // (samples, hiddenWidth): rows are samples, scaled by ||x|| with input normalisation.
          var tile = Matrix<Scalar>(uninitializedRows: range.count, columns: width)
          tile.withMutablePointer {
            transposeFeatures(width, range.count, pass.features, scales: scales, into: $0)
          }
          Matrix.product(tile, outputWeights, transposeB: true).withPointer {
            (logits + range.lowerBound * outputs).update(from: $0, count: range.count * outputs)
          }
          tiles[range.lowerBound / evaluationBlockSize] = tile
        }
      }
    }
    if let outputBias {
      for i in 0..<count {
        for c in 0..<outputCount { logits[i, c] += outputBias[c] }
      }
    }
    return FeatureStatistics(
      stableRank: Self.stableRank(ofRows: tiles), loss: loss.mean(logits, labels: labels),
      accuracy: Double(correctPredictions(logits, labels: labels)) / Double(count))
  }

  /// The stable rank of a matrix given as blocks of rows.
  private static func stableRank(ofRows tiles: [Matrix<Scalar>]) -> Double {
    let width = tiles[0].columns
    var square = 0.0
    for tile in tiles { square += Double(tile.frobeniusNorm) * Double(tile.frobeniusNorm) }
    if square == 0 { return 0 }
    /// Sum over tiles of T^T weights(T), in an order that does not depend on threads.
    func sum(_ weights: (Matrix<Scalar>) -> [Scalar]) -> [Double] {
      let groups = Parallel.blockCount(of: tiles.count, size: 16)
      var partial = [Scalar](repeating: 0, count: groups * width)
      partial.withUnsafeMutableBufferPointer { partial in
        nonisolated(unsafe) let partial = partial.baseAddress!
        Parallel.forEachBlock(of: tiles.count, size: 16) { group, range in
          for tile in tiles[range] {
            let w = weights(tile)
            tile.withPointer {
              Scalar.gemv(
                transposeA: true, m: tile.rows, n: width, alpha: 1, a: $0, leadingA: width, x: w,
                beta: 1, y: partial + group * width)
            }
          }
        }
      }
      return (0..<width).map { j in
        (0..<groups).reduce(0.0) { $0 + Double(partial[$1 * width + j]) }
      }
    }
    // Features are not negative, so their sum is close to the leading singular vector.
    let start = sum { [Scalar](repeating: 1, count: $0.rows) }
    let largest = SpectralNorm.squared(dimension: width, start: start) { x in
      let vector = x.map { Scalar($0) }
      return sum { $0.times(vector) }
    }
    return square / largest
  }
}
