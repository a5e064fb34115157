import LinearCore

/// A convolution in one or two dimensions, without bias: windows of images are gathered, channels first,
/// and multiplied with all filters of their group at once. The way back gathers nothing.
package struct Convolution: GraphOperation {
  package let geometry: WindowGeometry
  /// Images of a sample, one in a plain network.
  package let images: Int
  package let groups: Int
  /// Channels and filters of one group.
  package let channels: Int
  package let filters: Int

  /// Columns of a product, about: enough for a good one, few enough for the cache.
  private static let columnsOfTile = 512

  /// Values of a window in one group.
  private var patch: Int { channels * geometry.windowPixels }
  private var inputCount: Int { groups * channels * geometry.pixels }
  private var outputCount: Int { groups * filters * geometry.positions }
  /// Images that are multiplied together, where one has few windows.
  private var imagesOfTile: Int { max(1, Self.columnsOfTile / geometry.positions) }
  /// Rows of windows that are multiplied together, where an image has many.
  private var rowsOfTile: Int {
    max(1, min(geometry.rows.output, Self.columnsOfTile / geometry.columns.output))
  }

  package var work: Int { images * groups * filters * patch * geometry.positions }
  package var scratch: Int {
    let columns = imagesOfTile * rowsOfTile * geometry.columns.output
    return (patch + filters) * max(columns, 1)
  }
  package var description: String {
    "convolution \(geometry.rows.kernel)x\(geometry.columns.kernel)"
      + (groups > 1 ? " in \(groups) groups" : "")
  }

  package func forward<Scalar: LinearScalar>(
    _ inputs: inout [Matrix<Scalar>], constants: [Matrix<Scalar>], keepsWayBack: Bool
  ) -> GraphPass<Scalar> {
    let source = inputs[0].taken()
    let weights = constants[0]
    let count = source.rows * images
    var values = Matrix<Scalar>(
      uninitializedRows: source.rows, columns: images * outputCount)
    values.withMutablePointer { target in
      source.withPointer { source in
        weights.withPointer { multiply(count, source, $0, into: target) }
      }
    }
    guard keepsWayBack else { return GraphPass(values, backward: nil) }
    return GraphPass(values) { cotangent in
      var gradient = Matrix<Scalar>(rows: cotangent.rows, columns: images * inputCount)
      gradient.withMutablePointer { target in
        cotangent.withPointer { source in
          weights.withPointer { multiplyBack(count, source, $0, addingTo: target) }
        }
      }
      return [gradient]
    }
  }

  /// A product: some images, of one group, and rows of windows.
  private struct Tile {
    let images: Range<Int>
    let group: Int
    let rows: Range<Int>
    /// Windows of one image, and of all.
    let windows: Int
    var columns: Int { images.count * windows }
  }

  private func forEachTile(_ count: Int, _ body: (Tile) -> Void) {
    for first in stride(from: 0, to: count, by: imagesOfTile) {
      let images = first..<min(count, first + imagesOfTile)
      for group in 0..<groups {
        for row in stride(from: 0, to: geometry.rows.output, by: rowsOfTile) {
          let rows = row..<min(geometry.rows.output, row + rowsOfTile)
          body(
            Tile(
              images: images, group: group, rows: rows,
              windows: rows.count * geometry.columns.output))
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func multiply<Scalar: LinearScalar>(
    _ count: Int, _ source: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    into target: UnsafeMutablePointer<Scalar>
  ) {
    withScratch(count) { patches, products in
      forEachTile(count) { tile in
        let input =
          source + tile.images.lowerBound * inputCount
          + tile.group * channels * geometry.pixels
        let output =
          target + tile.images.lowerBound * outputCount
          + tile.group * filters * geometry.positions
          + tile.rows.lowerBound * geometry.columns.output
        let isDirect = geometry.isIdentity && tile.images.count == 1
        if !isDirect {
          for image in 0..<tile.images.count {
            geometry.gather(
              input + image * inputCount, channels: channels, tile.rows,
              into: patches + image * tile.windows, leading: tile.columns)
          }
        }
        let isSingle = tile.images.count == 1
        Scalar.gemm(
          transposeA: false, transposeB: false, m: filters, n: tile.columns, k: patch, alpha: 1,
          a: weights + tile.group * filters * patch, leadingA: patch,
          b: isDirect
            ? input + tile.rows.lowerBound * geometry.columns.output : UnsafePointer(patches),
          leadingB: isDirect ? geometry.positions : tile.columns, beta: 0,
          c: isSingle ? output : products,
          leadingC: isSingle ? geometry.positions : tile.columns)
        if isSingle { return }
        for image in 0..<tile.images.count {
          for filter in 0..<filters {
            (output + image * outputCount + filter * geometry.positions).update(
              from: products + filter * tile.columns + image * tile.windows, count: tile.windows)
          }
        }
      }
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  private func multiplyBack<Scalar: LinearScalar>(
    _ count: Int, _ source: UnsafePointer<Scalar>, _ weights: UnsafePointer<Scalar>,
    addingTo target: UnsafeMutablePointer<Scalar>
  ) {
    withScratch(count) { patches, products in
      forEachTile(count) { tile in
        let input =
          target + tile.images.lowerBound * inputCount
          + tile.group * channels * geometry.pixels
        let output =
          source + tile.images.lowerBound * outputCount
          + tile.group * filters * geometry.positions
          + tile.rows.lowerBound * geometry.columns.output
        let isSingle = tile.images.count == 1
        let isDirect = geometry.isIdentity && isSingle
        if !isSingle {
          for image in 0..<tile.images.count {
            for filter in 0..<filters {
              (products + filter * tile.columns + image * tile.windows).update(
                from: output + image * outputCount + filter * geometry.positions,
                count: tile.windows)
            }
          }
        }
        Scalar.gemm(
          transposeA: true, transposeB: false, m: patch, n: tile.columns, k: filters, alpha: 1,
          a: weights + tile.group * filters * patch, leadingA: patch,
          b: isSingle ? output : UnsafePointer(products),
          leadingB: isSingle ? geometry.positions : tile.columns, beta: 0,
          c: isDirect ? input + tile.rows.lowerBound * geometry.columns.output : patches,
          leadingC: isDirect ? geometry.positions : tile.columns)
        if isDirect { return }
        for image in 0..<tile.images.count {
          geometry.scatter(
            patches + image * tile.windows, channels: channels, tile.rows, leading: tile.columns,
            addingTo: input + image * inputCount)
        }
      }
    }
  }

  /// Room for the windows of a tile, (patch, columns), and for its products, (filters, columns).
  private func withScratch<Scalar: LinearScalar>(
    _ count: Int,
    _ body: (UnsafeMutablePointer<Scalar>, UnsafeMutablePointer<Scalar>) -> Void
  ) {
    let images = min(imagesOfTile, max(1, count))
    let columns = images * rowsOfTile * geometry.columns.output
    var patches = Matrix<Scalar>(uninitializedRows: patch, columns: columns)
    var products = Matrix<Scalar>(uninitializedRows: images > 1 ? filters : 0, columns: columns)
    patches.withMutablePointer { patches in
      products.withMutablePointer { body(patches, $0) }
    }
  }
}
